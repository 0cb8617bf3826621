package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/daemon"
	"github.com/cloudsania/cloudsania/paas"
)

func unitsCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "units --dir DIR -- SERVE-FLAGS…",
		Short: "Write the systemd units (install.sh calls this)",
		Long: "Writes cloudsania.service, cloudsania-edge.socket and cloudsania-edge.service into DIR, " +
			"for a control with the given flags of serve.",
		RunE: func(_ *cobra.Command, args []string) error {
			units, err := unitsOf(args)
			if err != nil {
				return err
			}
			return units.Write(dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "/etc/systemd/system", "where to")
	return cmd
}

// unitsOf reads flags of serve.
func unitsOf(args []string) (daemon.Units, error) {
	var cfg daemon.Config
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	serveFlags(flags, &cfg)
	if err := flags.Parse(args); err != nil {
		return daemon.Units{}, paas.Invalidf("flags", "they are those of cloudsania serve", "%v", err)
	}
	return daemon.Units{Flags: args, Data: cfg.Data, EdgeUser: cfg.EdgeUser, HTTP: cfg.HTTP, HTTPS: cfg.HTTPS}, nil
}
