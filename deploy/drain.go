package deploy

import (
	"context"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// drainLoop stops old instances once nobody uses them. A stream of 24 hours holds up nothing but its own instance.
func (d *Deployer) drainLoop(ctx context.Context) {
	d.eachTick(ctx, time.Second, func() {
		old, err := d.store.Instances(paas.Draining)
		if err != nil {
			d.log.Error("cannot read draining instances", "err", err)
			return
		}
		if len(old) == 0 {
			return
		}
		edges, err := d.edges.Status(ctx)
		if err != nil {
			edges = nil // nobody vouches that they are idle; only the cap ends them
		}
		for _, inst := range old {
			if ctx.Err() == nil && d.drained(inst, edges) {
				d.end(ctx, inst)
				d.reap(ctx, inst.App)
			}
		}
	})
}

// drained reports whether inst can go: a worker gets no requests; a web instance when every edge process has written down a table
// without it and has no request or stream left on it; anything at the cap.
func (d *Deployer) drained(inst paas.Instance, edges []paas.EdgeStatus) bool {
	if inst.Process != "web" || time.Since(inst.DrainedFrom) > d.timing.DrainCap {
		return true
	}
	for _, e := range edges {
		if e.Generation < inst.DrainGeneration || e.Active[inst.ID] > 0 {
			return false
		}
	}
	return len(edges) > 0
}
