package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/paas"
)

// cli is what the commands that talk to control share: their flags and how they print.
type cli struct {
	data, env string
	json      bool
	out       io.Writer
}

// commands is the whole command line.
func commands() *cobra.Command {
	c := &cli{out: os.Stdout}
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
	root.AddCommand(serveCommand(), edgeCommand(), unitsCommand(), handoverCommand(), removeCommand())
	for _, sub := range []*cobra.Command{c.apps(), c.deploy(), c.logs(), c.releases(), c.rollback(), c.variables(), c.tokens(), c.events(),
		c.detect(), c.doctor(), c.demo(), c.version()} {
		sub.PersistentFlags().StringVar(&c.data, "data", defaultData, "data directory of the installation on this machine")
		sub.PersistentFlags().BoolVar(&c.json, "json", false, "print JSON, the same as the API answers")
		root.AddCommand(sub)
	}
	return root
}

// client connects to control: a remote one when CLOUDSANIA_URL says so, else the one of the data directory.
func (c *cli) client() (*api.Client, error) {
	agent := "cloudsania/" + version
	if u := os.Getenv("CLOUDSANIA_URL"); u != "" {
		return api.NewClient(api.Options{URL: u, Token: paas.NewSecret(os.Getenv("CLOUDSANIA_TOKEN")), UserAgent: agent})
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

func (c *cli) version() *cobra.Command {
	var onlySource bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if onlySource {
				_, err := fmt.Fprintln(c.out, source)
				return err
			}
			v := map[string]any{"version": version, "source": source, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "lifecycle": lifecycle.Available() == nil}
			return c.print(v, func(w io.Writer) {
				fmt.Fprintf(w, "cloudsania %s (%s, %s/%s)\n", buildID(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				if err := lifecycle.Available(); err != nil {
					fmt.Fprintf(w, "%s; %s\n", paas.Public(err).Msg, paas.Public(err).Hint)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&onlySource, "source", false, "print only what it was built from")
	_ = cmd.Flags().MarkHidden("source")
	return cmd
}
