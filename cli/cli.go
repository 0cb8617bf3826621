// Package cli is the command line: one command a file. Commands talk to control through package api; `serve`, `edge` and what belongs to
// the server itself call package daemon, which only Linux has.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// Build says which build of the program this is.
type Build struct {
	Version string // the release's number
	Source  string // state of the checkout that it was built from, "" for a release
}

// id tells one build from another.
func (b Build) id() string {
	if b.Source != "" {
		return b.Version + "+" + b.Source
	}
	return b.Version
}

// Main runs the command that the process was called with and returns the exit code.
func Main(b Build) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := commands(b).ExecuteContext(ctx); err != nil {
		return report(err)
	}
	return 0
}

// cli is what the commands that talk to control share: their flags and how they print.
type cli struct {
	build     Build
	data, env string
	json      bool
	out       io.Writer
}

// commands is the whole command line.
func commands(b Build) *cobra.Command {
	c := &cli{build: b, out: os.Stdout}
	root := &cobra.Command{
		Use:           "cloudsania",
		Short:         "Your own server as a private PaaS: push code, get a live, health-checked app",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `Your own server as a private PaaS: push code, get a live, health-checked app.

Commands talk to control through its socket in the data directory, or to another server with CLOUDSANIA_URL and CLOUDSANIA_TOKEN.
NAME is an app's name, or project/app.`,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &paas.Error{Kind: paas.Invalid, Msg: err.Error(), Hint: fmt.Sprintf("see %s --help", c.CommandPath())}
	})
	root.AddCommand(serverCommands(b)...)
	for _, sub := range []*cobra.Command{c.apps(), c.deploy(), c.logs(), c.releases(), c.rollback(), c.variables(), c.tokens(), c.events(),
		c.detect(), c.doctor(), c.demo(), c.version()} {
		c.localFlags(sub.PersistentFlags())
		sub.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON, the same as the API answers")
		root.AddCommand(sub)
	}
	return root
}

// client connects to control: a remote one when CLOUDSANIA_URL says so, else the one of the data directory.
func (c *cli) client() (*api.Client, error) {
	agent := "cloudsania/" + c.build.Version
	if u := os.Getenv("CLOUDSANIA_URL"); u != "" {
		return api.NewClient(api.Options{URL: u, Token: paas.NewSecret(os.Getenv("CLOUDSANIA_TOKEN")), UserAgent: agent})
	}
	if c.data == "" {
		return nil, &paas.Error{
			Kind: paas.Invalid,
			Msg:  "no server is named",
			Hint: "set CLOUDSANIA_URL to its dashboard's address and CLOUDSANIA_TOKEN to a token of yours",
		}
	}
	return api.NewClient(api.Options{Socket: filepath.Join(c.data, "control.sock"), UserAgent: agent})
}

// call makes a command's body of a function that gets the client; what it returns is printed as JSON, or by show.
func call[T any](c *cli, do func(ctx context.Context, control *api.Client, args []string) (T, error), show func(w io.Writer, v T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		control, err := c.client()
		if err != nil {
			return err
		}
		v, err := do(cmd.Context(), control, args)
		if err != nil {
			return err
		}
		return c.print(v, func(w io.Writer) { show(w, v) })
	}
}

func (c *cli) print(v any, show func(io.Writer)) error {
	if c.json {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	show(w)
	return w.Flush()
}

// exactly takes that many arguments, with an error that names them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("%s needs %s", cmd.CommandPath(), what), Hint: "usage: " + cmd.UseLine()}
	}
}

func (c *cli) envFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&c.env, "env", paas.Production, "environment")
	return cmd
}

// ago says when in the words of people.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
