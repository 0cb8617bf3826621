package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/paas"
)

// detect looks at a directory on this machine: control is not asked.
func (c *cli) detect() *cobra.Command {
	return &cobra.Command{
		Use:   "detect DIR",
		Short: "Say how a directory would be built, without building it",
		Args:  exactly(1, "a directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			root, err := os.OpenRoot(args[0])
			if err != nil {
				return &paas.Error{
					Kind: paas.Invalid,
					Msg:  fmt.Sprintf("%q cannot be read as a directory", args[0]),
					Hint: "name the directory of your project",
					Err:  err,
				}
			}
			defer root.Close()
			plan, err := detect.Detect(root.FS(), paas.BuildSettings{})
			if err != nil {
				return err
			}
			return c.print(plan, func(w io.Writer) { writePlan(w, plan) })
		},
	}
}

func writePlan(w io.Writer, p paas.Plan) {
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
