package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/daemon"
)

// serverCommands are those that are the server, or work on its files.
func serverCommands(b Build) []*cobra.Command {
	return []*cobra.Command{serveCommand(b), edgeCommand(b), unitsCommand(), handoverCommand(b), removeCommand()}
}

// localFlags let a command reach the installation on this machine.
func (c *cli) localFlags(f *pflag.FlagSet) {
	f.StringVar(&c.data, "data", daemon.DefaultData, "data directory of the installation on this machine")
}

// canBuild says what this build of the program lacks for building apps.
func canBuild() error { return daemon.CanBuild() }
