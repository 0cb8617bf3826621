package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) revokeToken() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "End a token at once",
		Args:  exactly(1, "the token's id"),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			if err := control.RevokeToken(ctx, args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"revoked": args[0]}, func(w io.Writer) {
				fmt.Fprintf(w, "%s no longer works\n", args[0])
			})
		}),
	}
}
