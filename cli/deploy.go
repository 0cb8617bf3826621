package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/archive"
	"github.com/cloudsania/cloudsania/paas"
)

// from says where the code of `deploy` is.
type from struct {
	dir, zip, git, branch string
	again                 bool
}

func (c *cli) deploy() *cobra.Command {
	var f from
	var detach bool
	cmd := c.envFlag(&cobra.Command{
		Use:   "deploy NAME --dir D | --zip F | --git URL | --again",
		Short: "Deploy a directory, an archive or a public repository",
		Args:  exactly(1, "the app's name"),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			d, err := c.send(ctx, control, args[0], f)
			if err != nil {
				return err
			}
			if detach {
				return c.print(d, func(w io.Writer) { fmt.Fprintf(w, "deployment %s is queued\n", d.ID) })
			}
			return c.follow(ctx, control, d)
		}),
	})
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory with the code")
	cmd.Flags().StringVar(&f.zip, "zip", "", "zip, tar or tar.gz with the code")
	cmd.Flags().StringVar(&f.git, "git", "", "https address of a public repository")
	cmd.Flags().StringVar(&f.branch, "branch", "", "with --git: branch to take")
	cmd.Flags().BoolVar(&f.again, "again", false, "deploy the last source once more")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait for the end")
	return cmd
}

// send begins the deployment of the one source that f names.
func (c *cli) send(ctx context.Context, control *api.Client, name string, f from) (api.Deployment, error) {
	if f.named() != 1 {
		return api.Deployment{}, &paas.Error{
			Kind: paas.Invalid,
			Msg:  "say where the code is, once",
			Hint: "pass one of --dir, --zip, --git and --again",
		}
	}
	switch {
	case f.dir != "":
		return c.sendDir(ctx, control, name, f.dir)
	case f.zip != "":
		return c.sendFile(ctx, control, name, f.zip)
	case f.git != "":
		source := &api.AppSource{URL: f.git, Branch: f.branch}
		return control.Deploy(ctx, name, c.environment, api.CreateDeployment{Git: source})
	}
	return control.Deploy(ctx, name, c.environment, api.CreateDeployment{})
}

// named counts the sources that were named.
func (f from) named() int {
	n := 0
	for _, is := range []bool{f.dir != "", f.zip != "", f.git != "", f.again} {
		if is {
			n++
		}
	}
	return n
}

// sendDir packs the directory while it is sent.
func (c *cli) sendDir(ctx context.Context, control *api.Client, name, dir string) (api.Deployment, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return api.Deployment{}, fmt.Errorf("find directory: %w", err)
	}
	return sendPacked(ctx, control, name, c.environment, filepath.Base(abs)+".tar.gz", abs)
}

// sendPacked deploys dir under the label that its version is shown with.
func sendPacked(ctx context.Context, control *api.Client, name, environment, label, dir string) (api.Deployment, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(archive.Pack(ctx, dir, w)) }()
	defer r.Close()
	return control.DeployArchive(ctx, name, environment, label, r, -1)
}

func (c *cli) sendFile(ctx context.Context, control *api.Client, name, path string) (api.Deployment, error) {
	file, err := os.Open(path)
	if err != nil {
		return api.Deployment{}, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("cannot read %q", path),
			Hint: "name a zip, tar or tar.gz file",
			Err:  err,
		}
	}
	defer file.Close()
	size := int64(-1)
	if st, err := file.Stat(); err == nil {
		size = st.Size()
	}
	return control.DeployArchive(ctx, name, c.environment, filepath.Base(path), file, size)
}
