package cli

import (
	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/daemon"
)

// handoverCommand is what the edge's systemd unit calls on reload: the running edge starts the installed program with its
// listeners.
func handoverCommand(b Build) *cobra.Command {
	cfg := daemon.EdgeConfig{Version: b.id()}
	cmd := &cobra.Command{
		Use:   "handover",
		Short: "Replace the running edge by the installed version without losing a request",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return daemon.Handover(cmd.Context(), cfg) },
	}
	edgeFlags(cmd.Flags(), &cfg)
	return cmd
}
