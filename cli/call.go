package cli

import (
	"context"
	"encoding/json"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cloudsania/cloudsania/api"
)

// body is what a command runs.
type body = func(*cobra.Command, []string) error

// call makes the body of a command of a function that gets the client.
func (c *cli) call(do func(ctx context.Context, control *api.Client, args []string) error) body {
	return func(cmd *cobra.Command, args []string) error {
		control, err := c.client()
		if err != nil {
			return err
		}
		return do(cmd.Context(), control, args)
	}
}

// show is call for a command that asks for one thing: do returns it, and it is printed as JSON or as write does.
func show[T any](
	c *cli,
	do func(ctx context.Context, control *api.Client, args []string) (T, error),
	write func(w io.Writer, v T),
) body {
	return c.call(func(ctx context.Context, control *api.Client, args []string) error {
		v, err := do(ctx, control, args)
		if err != nil {
			return err
		}
		return c.print(v, func(w io.Writer) { write(w, v) })
	})
}

// print writes v as JSON where that is asked for, else what write writes, its columns in line.
func (c *cli) print(v any, write func(io.Writer)) error {
	if c.json {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	write(w)
	return w.Flush()
}
