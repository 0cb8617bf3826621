package cli

import (
	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/daemon"
)

func removeCommand() *cobra.Command {
	var r daemon.Removal
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Stop the edge and remove this installation's containers and networks (install.sh --uninstall calls this)",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return daemon.Remove(cmd.Context(), r) },
	}
	cmd.Flags().StringVar(&r.Data, "data", daemon.DefaultData, "data directory of the installation")
	cmd.Flags().StringVar(&r.Key, "key", "", "file with its key (as for serve)")
	cmd.Flags().BoolVar(&r.Purge, "purge", false, "remove volumes and images, too: only for good")
	return cmd
}
