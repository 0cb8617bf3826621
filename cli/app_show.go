package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) showApp() *cobra.Command {
	return c.envFlag(&cobra.Command{
		Use:   "show NAME",
		Short: "Show an app, its live version and its deployments",
		Args:  exactly(1, "the app's name"),
		RunE: show(c, func(ctx context.Context, control *api.Client, args []string) (api.AppDetail, error) {
			return control.App(ctx, args[0], c.environment)
		}, writeApp),
	})
}

func writeApp(w io.Writer, a api.AppDetail) {
	fmt.Fprintf(w, "%s\t%s\nlive\t%s\ngit remote\t%s\n\n", a.Name, a.URL, liveVersion(a.App), a.Git)
	for _, d := range a.Deployments {
		name := "-"
		if d.Number > 0 {
			name = fmt.Sprintf("v%d", d.Number)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, d.Status, ago(d.Created), paas.Clip(d.Source.Message, 50), d.ID)
		if d.Failure != nil {
			fmt.Fprintf(w, "\t  %s\n", d.Failure.Message)
		}
	}
}
