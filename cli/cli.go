// Package cli is the command line: one command a file. Commands talk to control through package api; `serve`, `edge` and
// what belongs to the server itself call package daemon, which only Linux has.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

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
	build       Build
	data        string // directory of the installation on this machine
	environment string
	json        bool
	out         io.Writer
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

Commands talk to control through its socket in the data directory, or to another server with CLOUDSANIA_URL and
CLOUDSANIA_TOKEN.
NAME is an app's name, or project/app.`,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &paas.Error{Kind: paas.Invalid, Msg: err.Error(), Hint: fmt.Sprintf("see %s --help", c.CommandPath())}
	})
	root.AddCommand(serverCommands(b)...)
	for _, sub := range []*cobra.Command{
		c.apps(), c.deploy(), c.logs(), c.releases(), c.rollback(), c.env(), c.tokens(), c.events(),
		c.detect(), c.doctor(), c.demo(), c.version(),
	} {
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

// exactly takes that many arguments, with an error that names them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		msg := fmt.Sprintf("%s needs %s", cmd.CommandPath(), what)
		return &paas.Error{Kind: paas.Invalid, Msg: msg, Hint: "usage: " + cmd.UseLine()}
	}
}

// envFlag lets a command name the environment that it is about.
func (c *cli) envFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&c.environment, "env", paas.Production, "environment")
	return cmd
}
