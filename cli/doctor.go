package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) doctor() *cobra.Command {
	var ready, welcome bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that everything on this server is well",
		Args:  cobra.NoArgs,
		RunE: c.call(func(ctx context.Context, control *api.Client, _ []string) error {
			sys, err := control.System(ctx)
			switch {
			case err != nil || ready:
				return err
			case welcome:
				return c.welcome(ctx, control, sys)
			}
			d := diagnosis{System: sys, Findings: examine(sys)}
			if err := c.print(d, func(w io.Writer) { writeDiagnosis(w, d) }); err != nil {
				return err
			}
			return d.problem()
		}),
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "only tell, by the exit code, whether control answers")
	cmd.Flags().BoolVar(&welcome, "welcome", false,
		"print the dashboard's address, a claim link where there is no owner yet, and what to do next")
	return cmd
}

// problem is the error that doctor ends with when something needs a person.
func (d diagnosis) problem() error {
	for _, f := range d.Findings {
		if f.State == "problem" {
			return &paas.Error{
				Kind: paas.Unavailable,
				Msg:  "something on this server needs you",
				Hint: "the lines above say what",
			}
		}
	}
	return nil
}
