package deploy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	defaultTail = 200
	lookEvery   = 2 * time.Second // for instances that a deploy has brought
)

// AppLine is a line of what an app prints.
type AppLine struct {
	Time            time.Time
	Process, Stream string // "web", "stdout"
	Text            string
}

// AppLogs calls fn, one call at a time, for the newest lines of the app's running instances, oldest first; with Follow it goes on with
// new ones, also of instances that come later, until ctx ends or fn returns an error.
func (d *Deployer) AppLogs(ctx context.Context, target paas.Target, opts docker.LogOptions, fn func(AppLine) error) error {
	if opts.Tail <= 0 {
		opts.Tail = defaultTail
	}
	insts, err := d.printing(target)
	if err != nil {
		return err
	}
	var lines []AppLine
	for _, inst := range insts {
		err := d.instanceLogs(ctx, inst, docker.LogOptions{Tail: opts.Tail, Since: opts.Since}, func(l AppLine) error { lines = append(lines, l); return nil })
		if err != nil && !paas.IsKind(err, paas.NotFound) {
			return err
		}
	}
	slices.SortStableFunc(lines, func(a, b AppLine) int { return a.Time.Compare(b.Time) })
	since := opts.Since
	for _, l := range lines[max(0, len(lines)-opts.Tail):] {
		if err := fn(l); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		since = lines[len(lines)-1].Time
	}
	if !opts.Follow {
		return nil
	}
	return d.followInstances(ctx, target, since, fn)
}

// followInstances listens to every instance of target, also to those that a later deploy starts.
func (d *Deployer) followInstances(ctx context.Context, target paas.Target, since time.Time, fn func(AppLine) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	var mu sync.Mutex
	listening := map[string]bool{}
	emit := func(l AppLine) error {
		if !l.Time.After(since) {
			return nil // Docker's "since" includes that moment
		}
		mu.Lock()
		defer mu.Unlock()
		if err := fn(l); err != nil {
			cancel(err)
			return err
		}
		return nil
	}
	for {
		insts, err := d.printing(target)
		if err != nil {
			return err
		}
		for _, inst := range insts {
			if listening[inst.ID] {
				continue
			}
			listening[inst.ID] = true
			wg.Go(func() { _ = d.instanceLogs(ctx, inst, docker.LogOptions{Since: since, Follow: true}, emit) }) // it ends with the instance
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEvery):
		}
	}
}

// printing are the instances of target that have a container.
func (d *Deployer) printing(target paas.Target) ([]paas.Instance, error) {
	all, err := d.store.InstancesOf(target)
	return slices.DeleteFunc(all, func(i paas.Instance) bool { return i.Container == "" || i.State == paas.Gone }), err
}

func (d *Deployer) instanceLogs(ctx context.Context, inst paas.Instance, opts docker.LogOptions, fn func(AppLine) error) error {
	return d.engine.Logs(ctx, inst.Container, opts, func(l docker.LogLine) error {
		return fn(AppLine{Time: l.Time, Process: inst.Process, Stream: l.Stream, Text: cleanLine(l.Text)})
	})
}
