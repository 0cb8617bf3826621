package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) apps() *cobra.Command {
	apps := &cobra.Command{Use: "apps", Short: "Create, list, show, rename and delete apps"}
	apps.AddCommand(c.createApp(), c.listApps(), c.showApp(), c.renameApp(), c.deleteApp())
	return apps
}

func liveVersion(a api.App) string {
	if a.Live == nil {
		return "-"
	}
	return fmt.Sprintf("v%d", a.Live.Number)
}
