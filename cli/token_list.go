package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) listTokens() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tokens",
		Args:  cobra.NoArgs,
		RunE: show(c, func(ctx context.Context, control *api.Client, _ []string) (api.Tokens, error) {
			return control.Tokens(ctx)
		}, writeTokens),
	}
}

func writeTokens(w io.Writer, list api.Tokens) {
	for _, t := range list.Tokens {
		expires, reach := "never expires", "every app"
		if t.Expires != nil {
			expires = "until " + t.Expires.Local().Format("2 Jan 2006")
		}
		if t.App != "" {
			reach = t.App
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.ID, t.Name, reach, expires)
	}
}
