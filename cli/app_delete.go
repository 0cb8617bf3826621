package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func (c *cli) deleteApp() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete an app with its code, variables and versions",
		Args:  exactly(1, "the app's name"),
		RunE: c.call(func(ctx context.Context, control *api.Client, args []string) error {
			if !yes && !confirmed(args[0]) {
				return &paas.Error{Kind: paas.Cancelled, Msg: "nothing was deleted", Hint: "type the app's name, or pass --yes"}
			}
			if err := control.DeleteApp(ctx, args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"deleted": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s is deleted\n", args[0]) })
		}),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirmed asks at the terminal.
func confirmed(name string) bool {
	fmt.Fprintf(os.Stderr, "This deletes %s with its code, variables and all versions. Type its name: ", name)
	line, _ := bufio.NewReader(io.LimitReader(os.Stdin, 1<<10)).ReadString('\n')
	return strings.TrimSpace(line) == name
}
