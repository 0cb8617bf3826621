package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) apps() *cobra.Command {
	apps := &cobra.Command{Use: "apps", Short: "Create, list, show, rename and delete apps"}
	var project string
	create := &cobra.Command{Use: "create NAME", Short: "Create an app", Args: exactly(1, "the app's name"),
		RunE: call(c, func(ctx context.Context, control *api.Client, args []string) (api.App, error) {
			in := api.CreateApp{Name: args[0], Project: project}
			if p, a := paas.SplitName(args[0]); p != "" && project == "" {
				in.Project, in.Name = p, a
			}
			return control.CreateApp(ctx, in)
		}, showCreated)}
	create.Flags().StringVar(&project, "project", "", "project that it belongs to (default: one named like the app)")
	list := &cobra.Command{Use: "list", Short: "List the apps", Args: cobra.NoArgs,
		RunE: call(c, func(ctx context.Context, control *api.Client, _ []string) (api.Apps, error) { return control.Apps(ctx) }, showApps)}
	show := c.envFlag(&cobra.Command{Use: "show NAME", Short: "Show an app, its live version and its deployments", Args: exactly(1, "the app's name"),
		RunE: call(c, func(ctx context.Context, control *api.Client, args []string) (api.AppDetail, error) {
			return control.App(ctx, args[0], c.env)
		}, showApp)})
	rename := &cobra.Command{Use: "rename NAME NEW", Short: "Rename an app; its address changes, too", Args: exactly(2, "the app's name and the new one"),
		RunE: call(c, func(ctx context.Context, control *api.Client, args []string) (api.App, error) {
			return control.UpdateApp(ctx, args[0], "", api.UpdateApp{Name: &args[1]})
		}, showCreated)}
	apps.AddCommand(create, list, show, rename, c.deleteApp())
	return apps
}

func (c *cli) deleteApp() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{Use: "delete NAME", Short: "Delete an app with its code, variables and versions", Args: exactly(1, "the app's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes && !confirmed(args[0]) {
				return &paas.Error{Kind: paas.Cancelled, Msg: "nothing was deleted", Hint: "type the app's name, or pass --yes"}
			}
			control, err := c.client()
			if err != nil {
				return err
			}
			if err := control.DeleteApp(cmd.Context(), args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"deleted": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s is deleted\n", args[0]) })
		}}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func confirmed(name string) bool {
	fmt.Fprintf(os.Stderr, "This deletes %s with its code, variables and all versions. Type its name: ", name)
	line, _ := bufio.NewReader(io.LimitReader(os.Stdin, 1<<10)).ReadString('\n')
	return strings.TrimSpace(line) == name
}

func showCreated(w io.Writer, a api.App) {
	fmt.Fprintf(w, "%s\t%s\n", a.Name, a.URL)
	fmt.Fprintf(w, "git remote\t%s\n", a.Git)
	fmt.Fprintf(w, "\nnext: git push %s HEAD:main   (a token of `cloudsania tokens create` is the password)\n", a.Git)
}

func showApps(w io.Writer, list api.Apps) {
	if len(list.Apps) == 0 {
		fmt.Fprintln(w, "no apps yet; make one with: cloudsania apps create NAME")
		return
	}
	fmt.Fprintln(w, "NAME\tLIVE\tLAST DEPLOY\tADDRESS")
	for _, a := range list.Apps {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", a.Name, liveVersion(a), lastDeploy(a), a.URL)
	}
}

func liveVersion(a api.App) string {
	if a.Live == nil {
		return "-"
	}
	return fmt.Sprintf("v%d", a.Live.Number)
}

func lastDeploy(a api.App) string {
	if a.Latest == nil {
		return "-"
	}
	return fmt.Sprintf("%s %s", a.Latest.Status, ago(a.Latest.Created))
}

func showApp(w io.Writer, a api.AppDetail) {
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
