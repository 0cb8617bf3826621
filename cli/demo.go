package cli

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/examples"
	"github.com/cloudsania/cloudsania/paas"
)

const demoApp = "hello"

func (c *cli) demo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Deploy a small example app",
		Args:  cobra.NoArgs,
		RunE: c.call(func(ctx context.Context, control *api.Client, _ []string) error {
			_, err := control.CreateApp(ctx, api.CreateApp{Name: demoApp})
			if err != nil && !paas.IsKind(err, paas.Conflict) {
				return err
			}
			d, err := deployDemo(ctx, control)
			if err != nil {
				return err
			}
			return c.follow(ctx, control, d)
		}),
	}
}

func deployDemo(ctx context.Context, control *api.Client) (api.Deployment, error) {
	dir, err := os.MkdirTemp("", "cloudsania-demo-")
	if err != nil {
		return api.Deployment{}, fmt.Errorf("make directory for the example: %w", err)
	}
	defer os.RemoveAll(dir)
	app, err := fs.Sub(examples.Hello, demoApp)
	if err != nil {
		return api.Deployment{}, fmt.Errorf("find the example: %w", err)
	}
	if err := os.CopyFS(dir, app); err != nil {
		return api.Deployment{}, fmt.Errorf("write the example: %w", err)
	}
	return sendPacked(ctx, control, demoApp, paas.Production, "the example app", dir)
}
