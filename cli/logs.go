package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

func (c *cli) logs() *cobra.Command {
	var follow bool
	var tail int
	cmd := c.envFlag(&cobra.Command{
		Use:   "logs NAME",
		Short: "Show what an app prints",
		Args:  exactly(1, "the app's name"),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			options := api.LogsOptions{Tail: tail}
			if follow {
				return control.FollowLogs(ctx, args[0], c.environment, options, c.writeLogLine)
			}
			log, err := control.Logs(ctx, args[0], c.environment, options)
			if err != nil {
				return err
			}
			return c.print(log, func(io.Writer) {
				for _, l := range log.Lines {
					_ = c.writeLogLine(l)
				}
			})
		}),
	})
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing what comes")
	cmd.Flags().IntVarP(&tail, "tail", "n", 200, "how many of the newest lines")
	return cmd
}

// writeLogLine writes at once: following an app's log must not wait for a table to be full.
func (c *cli) writeLogLine(l api.LogLine) error {
	_, err := fmt.Fprintf(c.out, "%s %s | %s\n", l.Time.Local().Format("15:04:05"), l.Process, l.Text)
	return err
}
