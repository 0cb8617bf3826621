package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/daemon"
)

func edgeCommand(b Build) *cobra.Command {
	cfg := daemon.EdgeConfig{Version: b.id()}
	cmd := &cobra.Command{
		Use:   "edge",
		Short: "Run the edge: it serves the apps, also while control is away",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return daemon.Edge(cmd.Context(), cfg) },
	}
	edgeFlags(cmd.Flags(), &cfg)
	return cmd
}

// edgeFlags are the flags of edge and handover.
func edgeFlags(f *pflag.FlagSet, cfg *daemon.EdgeConfig) {
	f.StringVar(&cfg.Data, "data", daemon.DefaultData, "data directory of the installation")
	f.StringVar(&cfg.HTTP, "http", ":80", "address to listen on for HTTP")
	f.StringVar(&cfg.HTTPS, "https", ":443", "address to listen on for HTTPS")
}
