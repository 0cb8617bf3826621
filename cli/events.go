package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) events() *cobra.Command {
	var app string
	var limit int
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show who did what, or verify the chain of events",
		Args:  cobra.NoArgs,
		RunE: show(c, func(ctx context.Context, control *api.Client, _ []string) (api.Events, error) {
			return control.Events(ctx, api.EventsOptions{App: app, Limit: limit})
		}, writeEvents),
	}
	cmd.Flags().StringVar(&app, "app", "", "only of this app")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many")
	cmd.AddCommand(c.verifyEvents())
	return cmd
}

func writeEvents(w io.Writer, list api.Events) {
	for _, e := range list.Events {
		when := e.Time.Local().Format("2 Jan 15:04:05")
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", e.Seq, when, e.Actor.Name, e.Action, e.Subject)
	}
}
