//go:build !linux

package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/paas"
)

// serverCommands say where they would run: people paste them from the documentation.
func serverCommands(Build) []*cobra.Command {
	var out []*cobra.Command
	for _, name := range []string{"serve", "edge", "units", "handover", "remove"} {
		out = append(out, &cobra.Command{
			Use:                name,
			Hidden:             true,
			DisableFlagParsing: true,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return &paas.Error{
					Kind: paas.Invalid,
					Msg:  "this command runs on the server, which is Linux",
					Hint: "sign in there with ssh and run it, or see docs/install.md for a server of your own",
				}
			},
		})
	}
	return out
}

// localFlags are none: no installation is on this machine.
func (*cli) localFlags(*pflag.FlagSet) {}

// canBuild says what this build of the program lacks for building apps.
func canBuild() error {
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  "this is the command line only",
		Hint: "apps are built on the server, which is Linux",
	}
}
