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

// variables is `env NAME set|unset|list`: the name comes first, as in the other commands.
func (c *cli) variables() *cobra.Command {
	var hold, build bool
	cmd := c.envFlag(&cobra.Command{
		Use:   "env NAME list | set KEY=VALUE… | unset KEY…",
		Short: "List, set and unset an app's variables",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			name, verb, rest := args[0], args[1], args[2:]
			if verb == "list" && len(rest) == 0 {
				vars, err := control.Variables(cmd.Context(), name, c.env)
				if err != nil {
					return err
				}
				return c.print(vars, func(w io.Writer) { showVariables(w, vars) })
			}
			change, err := changeOf(verb, rest, build)
			if err != nil {
				return err
			}
			change.Hold = hold
			vars, err := control.ChangeVariables(cmd.Context(), name, c.env, change)
			if err != nil {
				return err
			}
			if vars.Deployment != nil {
				return c.follow(cmd.Context(), control, *vars.Deployment, false)
			}
			return c.print(vars, func(w io.Writer) { fmt.Fprintln(w, "saved; the next deployment uses it") })
		}})
	cmd.Flags().BoolVar(&hold, "hold", false, "do not make a new version now; the next deployment uses the change")
	cmd.Flags().BoolVar(&build, "build", false, "with set: the build may read it, too")
	return cmd
}

func changeOf(verb string, args []string, build bool) (api.ChangeVariables, error) {
	var change api.ChangeVariables
	if len(args) == 0 || verb != "set" && verb != "unset" {
		return change, &paas.Error{Kind: paas.Invalid, Msg: "say list, set KEY=VALUE or unset KEY", Hint: "for instance: cloudsania env shop set STRIPE_KEY=sk_live_…"}
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

func showVariables(w io.Writer, vars api.Variables) {
	for _, v := range vars.Variables {
		where := "runs only"
		if v.Build {
			where = "runs and builds"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Name, v.Masked, where, ago(v.Updated))
	}
}

func (c *cli) tokens() *cobra.Command {
	tokens := &cobra.Command{Use: "tokens", Short: "Create, list and revoke tokens for git, the API and the CLI"}
	var app string
	var days int
	create := &cobra.Command{Use: "create NAME", Short: "Create a token; it is shown once", Args: exactly(1, "a name for the token"),
		RunE: call(c, func(ctx context.Context, control *api.Client, args []string) (api.NewToken, error) {
			return control.CreateToken(ctx, api.CreateToken{Name: args[0], App: app, Days: days})
		}, func(w io.Writer, t api.NewToken) { fmt.Fprintln(w, t.Text) })}
	create.Flags().StringVar(&app, "app", "", "let it reach this app only")
	create.Flags().IntVar(&days, "days", 0, "valid so long (default 90; -1: until revoked)")
	list := &cobra.Command{Use: "list", Short: "List the tokens", Args: cobra.NoArgs,
		RunE: call(c, func(ctx context.Context, control *api.Client, _ []string) (api.Tokens, error) {
			return control.Tokens(ctx)
		}, showTokens)}
	revoke := &cobra.Command{Use: "revoke ID", Short: "End a token at once", Args: exactly(1, "the token's id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			if err := control.RevokeToken(cmd.Context(), args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"revoked": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s no longer works\n", args[0]) })
		}}
	tokens.AddCommand(create, list, revoke)
	return tokens
}

func showTokens(w io.Writer, list api.Tokens) {
	for _, t := range list.Tokens {
		expires, reach := "never expires", "every app"
		if t.Expires != nil {
			expires = "until " + t.Expires.Local().Format("2 Jan 2006")
		}
		if t.App != "" {
			reach = t.App
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.ID, t.Name, reach, expires)
	}
}

func (c *cli) events() *cobra.Command {
	var app string
	var limit int
	cmd := &cobra.Command{Use: "events", Short: "Show who did what, or verify the chain of events", Args: cobra.NoArgs,
		RunE: call(c, func(ctx context.Context, control *api.Client, _ []string) (api.Events, error) {
			return control.Events(ctx, api.EventsOptions{App: app, Limit: limit})
		}, func(w io.Writer, list api.Events) {
			for _, e := range list.Events {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", e.Seq, e.Time.Local().Format("2 Jan 15:04:05"), e.Actor.Name, e.Action, e.Subject)
			}
		})}
	cmd.Flags().StringVar(&app, "app", "", "only of this app")
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "how many")
	cmd.AddCommand(&cobra.Command{Use: "verify", Short: "Check that no event was changed, removed or reordered", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			v, err := control.VerifyEvents(cmd.Context())
			if err != nil {
				return err
			}
			if err := c.print(v, func(w io.Writer) {
				if v.OK {
					fmt.Fprintf(w, "the chain of %d events is unbroken; its head is %s\n", v.Events, v.Head)
				}
			}); err != nil || v.OK {
				return err
			}
			e := &paas.Error{Kind: paas.Conflict, Msg: "the chain of events is broken", Hint: "somebody changed the database file: compare it with a backup"}
			if len(v.Breaks) > 0 {
				e.Msg = fmt.Sprintf("the chain of events is broken in %d places, first at event %d: %s", len(v.Breaks), v.Breaks[0].Seq, v.Breaks[0].Problem)
			}
			return e
		}})
	return cmd
}
