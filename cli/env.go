package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// env is `env NAME list|set|unset`: the name comes first, as in the other commands.
func (c *cli) env() *cobra.Command {
	var hold, build bool
	cmd := c.envFlag(&cobra.Command{
		Use:   "env NAME list | set KEY=VALUE… | unset KEY…",
		Short: "List, set and unset an app's variables",
		Args:  cobra.MinimumNArgs(2),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			name, verb, rest := args[0], args[1], args[2:]
			if verb == "list" && len(rest) == 0 {
				vars, err := control.Variables(ctx, name, c.environment)
				if err != nil {
					return err
				}
				return c.print(vars, func(w io.Writer) { writeVariables(w, vars) })
			}
			change, err := changeOf(verb, rest, build)
			if err != nil {
				return err
			}
			change.Hold = hold
			vars, err := control.ChangeVariables(ctx, name, c.environment, change)
			if err != nil {
				return err
			}
			if vars.Deployment != nil {
				return c.follow(ctx, control, *vars.Deployment)
			}
			return c.print(vars, func(w io.Writer) { fmt.Fprintln(w, "saved; the next deployment uses it") })
		}),
	})
	cmd.Flags().BoolVar(&hold, "hold", false, "do not make a new version now; the next deployment uses the change")
	cmd.Flags().BoolVar(&build, "build", false, "with set: the build may read it, too")
	return cmd
}

// changeOf reads what follows the name of the app.
func changeOf(verb string, args []string, build bool) (api.ChangeVariables, error) {
	var change api.ChangeVariables
	if len(args) == 0 || verb != "set" && verb != "unset" {
		return change, &paas.Error{
			Kind: paas.Invalid,
			Msg:  "say list, set KEY=VALUE or unset KEY",
			Hint: "for instance: cloudsania env shop set STRIPE_KEY=sk_live_…",
		}
	}
	for _, a := range args {
		key, value, ok := strings.Cut(a, "=")
		switch {
		case verb == "unset":
			change.Unset = append(change.Unset, a)
		case !ok:
			return change, paas.Invalidf("set", "write KEY=VALUE", "%q has no value", a)
		default:
			v := api.SetVariable{Name: key, Value: value}
			if build {
				v.Build = &build
			}
			change.Set = append(change.Set, v)
		}
	}
	return change, nil
}

func writeVariables(w io.Writer, vars api.Variables) {
	for _, v := range vars.Variables {
		where := "runs only"
		if v.Build {
			where = "runs and builds"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, v.Masked, where, ago(v.Updated))
	}
}
