package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) createToken() *cobra.Command {
	var app string
	var days int
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a token; it is shown once",
		Args:  exactly(1, "a name for the token"),
		RunE: show(c, func(ctx context.Context, control *api.Client, args []string) (api.NewToken, error) {
			return control.CreateToken(ctx, api.CreateToken{Name: args[0], App: app, Days: days})
		}, func(w io.Writer, t api.NewToken) { fmt.Fprintln(w, t.Text) }),
	}
	cmd.Flags().StringVar(&app, "app", "", "let it reach this app only")
	cmd.Flags().IntVar(&days, "days", 0, "valid so long (default 90; -1: until revoked)")
	return cmd
}
