package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) version() *cobra.Command {
	var onlySource bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if onlySource {
				_, err := fmt.Fprintln(c.out, c.build.Source)
				return err
			}
			v := map[string]any{
				"version": c.build.Version, "source": c.build.Source, "go": runtime.Version(),
				"os": runtime.GOOS, "arch": runtime.GOARCH, "lifecycle": canBuild() == nil,
			}
			return c.print(v, func(w io.Writer) {
				fmt.Fprintf(w, "cloudsania %s (%s, %s/%s)\n", c.build.id(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
				if err := canBuild(); err != nil {
					fmt.Fprintf(w, "%s; %s\n", paas.Public(err).Msg, paas.Public(err).Hint)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&onlySource, "source", false, "print only what it was built from")
	_ = cmd.Flags().MarkHidden("source")
	return cmd
}
