package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) createApp() *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Create an app",
		Args:  exactly(1, "the app's name"),
		RunE: show(c, func(ctx context.Context, control *api.Client, args []string) (api.App, error) {
			in := api.CreateApp{Name: args[0], Project: project}
			if p, a := paas.SplitName(args[0]); p != "" && project == "" {
				in.Project, in.Name = p, a
			}
			return control.CreateApp(ctx, in)
		}, writeAddress),
	}
	cmd.Flags().StringVar(&project, "project", "", "project that it belongs to (default: one named like the app)")
	return cmd
}

// writeAddress says where an app is reached and pushed to.
func writeAddress(w io.Writer, a api.App) {
	fmt.Fprintf(w, "%s\t%s\n", a.Name, a.URL)
	fmt.Fprintf(w, "git remote\t%s\n", a.Git)
	fmt.Fprintf(w, "\nnext: git push %s HEAD:main   (a token of `cloudsania tokens create` is the password)\n", a.Git)
}
