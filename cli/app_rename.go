package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) renameApp() *cobra.Command {
	return &cobra.Command{
		Use:   "rename NAME NEW",
		Short: "Rename an app; its address changes, too",
		Args:  exactly(2, "the app's name and the new one"),
		RunE: show(c, func(ctx context.Context, control *api.Client, args []string) (api.App, error) {
			return control.UpdateApp(ctx, args[0], "", api.UpdateApp{Name: &args[1]})
		}, writeAddress),
	}
}
