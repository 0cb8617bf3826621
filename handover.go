package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/proxy"
)

// handoverCommand is what the edge's systemd unit calls on reload: the running edge starts the installed program with its listeners.
func handoverCommand() *cobra.Command {
	var data, http, https string
	c := &cobra.Command{Use: "handover", Short: "Replace the running edge by the installed version without losing a request", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			exe, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find our own program: %w", err)
			}
			return proxy.Dial(filepath.Join(data, "edge")).Handover(c.Context(), exe, edgeArgs(data, http, https))
		}}
	c.Flags().StringVar(&data, "data", defaultData, "data directory of the installation")
	c.Flags().StringVar(&http, "http", ":80", "address of the edge for HTTP")
	c.Flags().StringVar(&https, "https", ":443", "address of the edge for HTTPS")
	return c
}

// edgeArgs is the command line of an edge.
func edgeArgs(data, http, https string) []string {
	return []string{"edge", "--data", data, "--http", http, "--https", https}
}
