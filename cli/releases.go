package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) releases() *cobra.Command {
	return c.envFlag(&cobra.Command{
		Use:   "releases NAME",
		Short: "List the versions of an app",
		Args:  exactly(1, "the app's name"),
		RunE: show(c, func(ctx context.Context, control *api.Client, args []string) (api.Releases, error) {
			return control.Releases(ctx, args[0], c.environment)
		}, writeReleases),
	})
}

func writeReleases(w io.Writer, list api.Releases) {
	for _, r := range list.Releases {
		live := ""
		if r.Live {
			live = "live"
		}
		message := r.Note
		if message == "" && r.Source != nil {
			message = r.Source.Message
		}
		fmt.Fprintf(w, "v%d\t%s\t%s\t%s\t%s\n", r.Number, live, ago(r.Created), paas.Clip(message, 60), r.Actor.Name)
	}
}
