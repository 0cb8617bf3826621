package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudsania/cloudsania/daemon"
)

func serveCommand(b Build) *cobra.Command {
	cfg := daemon.Config{Version: b.id()}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run control: the dashboard, the API, the git remote, builds and deploys",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return daemon.Serve(cmd.Context(), cfg) },
	}
	serveFlags(cmd.Flags(), &cfg)
	return cmd
}

// serveFlags are the flags of serve, which `units` takes, too.
func serveFlags(f *pflag.FlagSet, cfg *daemon.Config) {
	f.StringVar(&cfg.Data, "data", daemon.DefaultData, "directory of everything that is remembered")
	f.StringVar(&cfg.Key, "key", "",
		"file with the key that seals secrets (default /etc/cloudsania/key, or DIR.key for another --data)")
	f.StringVar(&cfg.HTTP, "http", ":80", "address of the edge for HTTP")
	f.StringVar(&cfg.HTTPS, "https", ":443", "address of the edge for HTTPS")
	f.StringVar(&cfg.Domain, "domain", "",
		"BASE: apps live at <app>.BASE, the dashboard and git at BASE (default <ip>.sslip.io)")
	f.StringVar(&cfg.TLS, "tls", "auto", "auto, acme, self-signed or off")
	f.StringVar(&cfg.Email, "email", "", "address for messages of the certificate authority")
	f.StringVar(&cfg.ACMECA, "acme-ca", "", "ACME directory of another certificate authority")
	f.StringVar(&cfg.ACMERoots, "acme-roots", "", "PEM file of roots to trust for talking to it")
	f.StringVar(&cfg.Edge, "edge", "auto", "auto: start the edge when none runs; external: systemd does")
	f.StringVar(&cfg.EdgeUser, "edge-user", "", "unprivileged user to start the edge as")
	f.StringVar(&cfg.ClaimFile, "claim-file", "", "file with a claim secret of your own, valid until used")
	f.BoolVar(&cfg.AllowPrivateSources, "allow-private-sources", false, "let git URLs point to private addresses")
	f.IntVar(&cfg.BuildMemoryMB, "build-memory", 0, "most memory of a build in MB (default: from what is free)")
	f.StringVar(&cfg.Buildpack, "buildpack", "", "statically linked program to use as the buildpack (default: this one)")
	f.StringVar(&cfg.BaseTree, "base-tree", "", "directory that debootstrap made, to build the base image from")
	mirrorFlags(f, cfg)
}
