package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) rollback() *cobra.Command {
	return c.envFlag(&cobra.Command{
		Use:   "rollback NAME [VERSION]",
		Short: "Go back to an earlier version, its configuration included",
		Args:  cobra.RangeArgs(1, 2),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			number := 0 // the version before
			if len(args) == 2 {
				n, err := strconv.Atoi(strings.TrimPrefix(args[1], "v"))
				if err != nil || n < 1 {
					return paas.Invalidf("version", "write it like 12 or v12; see cloudsania releases", "%q is not a version", args[1])
				}
				number = n
			}
			d, err := control.Rollback(ctx, args[0], c.environment, number)
			if err != nil {
				return err
			}
			return c.follow(ctx, control, d)
		}),
	})
}
