package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) listApps() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the apps",
		Args:  cobra.NoArgs,
		RunE: show(c, func(ctx context.Context, control *api.Client, _ []string) (api.Apps, error) {
			return control.Apps(ctx)
		}, writeApps),
	}
}

func writeApps(w io.Writer, list api.Apps) {
	if len(list.Apps) == 0 {
		fmt.Fprintln(w, "no apps yet; make one with: cloudsania apps create NAME")
		return
	}
	fmt.Fprintln(w, "NAME\tLIVE\tLAST DEPLOY\tADDRESS")
	for _, a := range list.Apps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, liveVersion(a), lastDeployment(a), a.URL)
	}
}

func lastDeployment(a api.App) string {
	if a.Latest == nil {
		return "-"
	}
	return fmt.Sprintf("%s %s", a.Latest.Status, ago(a.Latest.Created))
}
