package cli

import (
	"context"
	"fmt"

	"github.com/cloudsania/cloudsania/api"
)

// follow prints the log until the end; a deployment that is not live in the end is an error.
func (c *cli) follow(ctx context.Context, control *api.Client, d api.Deployment) error {
	done, err := control.Follow(ctx, d.ID, func(l api.LogLine) error {
		if c.json {
			return nil // the answer is one JSON document
		}
		_, err := fmt.Fprintln(c.out, l.Text)
		return err
	})
	if err != nil {
		return err
	}
	if c.json {
		if err := c.print(done, nil); err != nil {
			return err
		}
	}
	return done.Err()
}
