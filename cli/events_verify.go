package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) verifyEvents() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Check that no event was changed, removed or reordered",
		Args:  cobra.NoArgs,
		RunE: c.call(func(ctx context.Context, control *api.Client, _ []string) error {
			v, err := control.VerifyEvents(ctx)
			if err != nil {
				return err
			}
			if err := c.print(v, func(w io.Writer) {
				if v.OK {
					fmt.Fprintf(w, "the chain of %d events is unbroken; its head is %s\n", v.Events, v.Head)
				}
			}); err != nil || v.OK {
				return err
			}
			broken := &paas.Error{
				Kind: paas.Conflict,
				Msg:  "the chain of events is broken",
				Hint: "the database file was changed from outside: compare it with a backup",
			}
			if len(v.Breaks) > 0 {
				first := v.Breaks[0]
				broken.Msg += fmt.Sprintf(" in %d places, first at event %d: %s", len(v.Breaks), first.Seq, first.Problem)
			}
			return broken
		}),
	}
}
