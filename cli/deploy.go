package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/archive"
	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/paas"
)

// from says where the code of `deploy` is.
type from struct {
	dir, zip, git, branch string
	again, detach         bool
}

func (c *cli) deploy() *cobra.Command {
	var f from
	cmd := c.envFlag(&cobra.Command{Use: "deploy NAME --dir D | --zip F | --git URL | --again", Short: "Deploy a directory, an archive or a public repository",
		Args: exactly(1, "the app's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			d, err := c.begin(cmd.Context(), control, args[0], f)
			if err != nil {
				return err
			}
			return c.follow(cmd.Context(), control, d, f.detach)
		}})
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory with the code")
	cmd.Flags().StringVar(&f.zip, "zip", "", "zip, tar or tar.gz with the code")
	cmd.Flags().StringVar(&f.git, "git", "", "https address of a public repository")
	cmd.Flags().StringVar(&f.branch, "branch", "", "with --git: branch to take")
	cmd.Flags().BoolVar(&f.again, "again", false, "deploy the last source once more")
	cmd.Flags().BoolVar(&f.detach, "detach", false, "do not wait for the end")
	return cmd
}

func (c *cli) begin(ctx context.Context, control *api.Client, name string, f from) (api.Deployment, error) {
	switch {
	case f.dir != "" && f.zip == "" && f.git == "" && !f.again:
		return c.sendDir(ctx, control, name, f.dir)
	case f.zip != "" && f.dir == "" && f.git == "" && !f.again:
		return c.sendFile(ctx, control, name, f.zip)
	case f.git != "" && f.dir == "" && f.zip == "" && !f.again:
		return control.Deploy(ctx, name, c.env, api.CreateDeployment{Git: &api.AppSource{URL: f.git, Branch: f.branch}})
	case f.again && f.dir == "" && f.zip == "" && f.git == "":
		return control.Deploy(ctx, name, c.env, api.CreateDeployment{})
	}
	return api.Deployment{}, &paas.Error{Kind: paas.Invalid, Msg: "say where the code is, once", Hint: "pass one of --dir, --zip, --git and --again"}
}

// sendDir packs the directory while it is sent.
func (c *cli) sendDir(ctx context.Context, control *api.Client, name, dir string) (api.Deployment, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return api.Deployment{}, fmt.Errorf("find directory: %w", err)
	}
	return sendPacked(ctx, control, name, c.env, filepath.Base(abs)+".tar.gz", abs)
}

// sendPacked deploys dir under the label that its version is shown with.
func sendPacked(ctx context.Context, control *api.Client, name, env, label, dir string) (api.Deployment, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(archive.Pack(ctx, dir, w)) }()
	defer r.Close()
	return control.DeployArchive(ctx, name, env, label, r, -1)
}

func (c *cli) sendFile(ctx context.Context, control *api.Client, name, path string) (api.Deployment, error) {
	file, err := os.Open(path)
	if err != nil {
		return api.Deployment{}, &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("cannot read %q", path), Hint: "name a zip, tar or tar.gz file", Err: err}
	}
	defer file.Close()
	size := int64(-1)
	if st, err := file.Stat(); err == nil {
		size = st.Size()
	}
	return control.DeployArchive(ctx, name, c.env, filepath.Base(path), file, size)
}

// follow prints the log until the end; a deployment that is not live in the end is an error.
func (c *cli) follow(ctx context.Context, control *api.Client, d api.Deployment, detach bool) error {
	if detach {
		return c.print(d, func(w io.Writer) { fmt.Fprintf(w, "deployment %s is queued\n", d.ID) })
	}
	done, err := control.Follow(ctx, d.ID, func(l api.LogLine) error {
		if c.json {
			return nil // the answer is one JSON document
		}
		_, err := fmt.Fprintln(c.out, l.Text)
		return err
	})
	if err != nil {
		return err
	}
	if c.json {
		if err := c.print(done, nil); err != nil {
			return err
		}
	}
	return done.Err()
}

func (c *cli) releases() *cobra.Command {
	return c.envFlag(&cobra.Command{Use: "releases NAME", Short: "List the versions of an app", Args: exactly(1, "the app's name"),
		RunE: call(c, func(ctx context.Context, control *api.Client, args []string) (api.Releases, error) {
			return control.Releases(ctx, args[0], c.env)
		}, func(w io.Writer, list api.Releases) {
			for _, r := range list.Releases {
				live := ""
				if r.Live {
					live = "live"
				}
				message := r.Note
				if message == "" && r.Source != nil {
					message = r.Source.Message
				}
				fmt.Fprintf(w, "v%d\t%s\t%s\t%s\t%s\n", r.Number, live, ago(r.Created), paas.Clip(message, 60), r.Actor.Name)
			}
		})})
}

func (c *cli) rollback() *cobra.Command {
	return c.envFlag(&cobra.Command{Use: "rollback NAME [VERSION]", Short: "Go back to an earlier version, its configuration included", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			number := 0
			if len(args) == 2 {
				n, err := strconv.Atoi(strings.TrimPrefix(args[1], "v"))
				if err != nil || n < 1 {
					return paas.Invalidf("version", "write it like 12 or v12; see cloudsania releases", "%q is not a version", args[1])
				}
				number = n
			}
			control, err := c.client()
			if err != nil {
				return err
			}
			d, err := control.Rollback(cmd.Context(), args[0], c.env, number)
			if err != nil {
				return err
			}
			return c.follow(cmd.Context(), control, d, false)
		}})
}

func (c *cli) logs() *cobra.Command {
	var follow bool
	var tail int
	cmd := c.envFlag(&cobra.Command{Use: "logs NAME", Short: "Show what an app prints", Args: exactly(1, "the app's name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			control, err := c.client()
			if err != nil {
				return err
			}
			show := func(l api.LogLine) error {
				_, err := fmt.Fprintf(c.out, "%s %s | %s\n", l.Time.Local().Format("15:04:05"), l.Process, l.Text)
				return err
			}
			if follow {
				return control.FollowLogs(cmd.Context(), args[0], c.env, api.LogsOptions{Tail: tail}, show)
			}
			log, err := control.Logs(cmd.Context(), args[0], c.env, api.LogsOptions{Tail: tail})
			if err != nil {
				return err
			}
			return c.print(log, func(io.Writer) {
				for _, l := range log.Lines {
					_ = show(l)
				}
			})
		}})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing what comes")
	cmd.Flags().IntVarP(&tail, "tail", "n", 200, "how many of the newest lines")
	return cmd
}

// detect looks at a directory on this machine: control is not asked.
func (c *cli) detect() *cobra.Command {
	return &cobra.Command{Use: "detect DIR", Short: "Say how a directory would be built, without building it", Args: exactly(1, "a directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := os.OpenRoot(args[0])
			if err != nil {
				return &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("%q cannot be read as a directory", args[0]), Hint: "name the directory of your project", Err: err}
			}
			defer root.Close()
			plan, err := detect.Detect(root.FS(), paas.BuildSettings{})
			if err != nil {
				return err
			}
			return c.print(plan, func(w io.Writer) { showPlan(w, plan) })
		}}
}

func showPlan(w io.Writer, p paas.Plan) {
	for _, f := range p.Facts {
		fmt.Fprintf(w, "%s\t%s\n", f.Text, f.File)
	}
	for _, n := range p.Missing {
		fmt.Fprintf(w, "wants the variable %s\t%s\n", n.Name, n.File)
	}
	for _, s := range p.Warnings {
		fmt.Fprintf(w, "warning: %s\n", s)
	}
}
