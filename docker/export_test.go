package docker

import "github.com/moby/moby/client"

// Raw lets tests look at what was really made.
func (e *Engine) Raw() *client.Client { return e.client }

// Installation is the label's value.
func (e *Engine) Installation() string { return e.installation }
