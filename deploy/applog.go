package deploy

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

const defaultTail = 200

// AppLogs calls fn, one call at a time, for the newest lines of the app's running instances, oldest first; with
// Follow it goes on with new ones, also of instances that come later, until ctx ends or fn returns an error.
func (d *Deployer) AppLogs(ctx context.Context, target paas.Target, opts paas.LogOptions, fn func(paas.LogLine) error) error {
	if opts.Tail <= 0 {
		opts.Tail = defaultTail
	}
	insts, err := d.withContainer(target)
	if err != nil {
		return err
	}
	var lines []paas.LogLine
	for _, inst := range insts {
		err := d.instanceLogs(ctx, inst, paas.LogOptions{Tail: opts.Tail, Since: opts.Since}, func(l paas.LogLine) error {
			lines = append(lines, l)
			return nil
		})
		if err != nil && !paas.IsKind(err, paas.NotFound) {
			return err
		}
	}
	slices.SortStableFunc(lines, func(a, b paas.LogLine) int { return a.Time.Compare(b.Time) })
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
func (d *Deployer) followInstances(ctx context.Context, target paas.Target, since time.Time, fn func(paas.LogLine) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	var mu sync.Mutex
	following := map[string]bool{}
	emit := func(l paas.LogLine) error {
		mu.Lock()
		defer mu.Unlock()
		if err := fn(l); err != nil {
			cancel(err)
			return err
		}
		return nil
	}
	for {
		changed := d.printing.next(target.App)
		insts, err := d.withContainer(target)
		if err != nil {
			return err
		}
		for _, inst := range insts {
			if !following[inst.ID] {
				following[inst.ID] = true
				wg.Go(func() { d.followInstance(ctx, inst, since, emit) })
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// followInstance passes on what the instance prints until it is gone, also after its container was started again.
func (d *Deployer) followInstance(ctx context.Context, inst paas.Instance, since time.Time, fn func(paas.LogLine) error) {
	for ctx.Err() == nil {
		changed := d.printing.next(inst.App)
		err := d.instanceLogs(ctx, inst, paas.LogOptions{Since: since, Follow: true}, func(l paas.LogLine) error {
			if !l.Time.After(since) {
				return nil // Docker's "since" includes that moment
			}
			since = l.Time
			return fn(l)
		})
		now, gone := d.store.Instance(inst.ID)
		if gone != nil || now.State == paas.Gone || paas.IsKind(err, paas.NotFound) {
			return
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// withContainer are the instances of target that have a container.
func (d *Deployer) withContainer(target paas.Target) ([]paas.Instance, error) {
	all, err := d.store.InstancesOf(target)
	return slices.DeleteFunc(all, func(i paas.Instance) bool { return i.Container == "" || i.State == paas.Gone }), err
}

func (d *Deployer) instanceLogs(ctx context.Context, inst paas.Instance, opts paas.LogOptions, fn func(paas.LogLine) error) error {
	return d.engine.Logs(ctx, inst.Container, opts, func(l paas.LogLine) error {
		l.Process, l.Text = inst.Process, terminal.ColouredLine(l.Text, maxLineRunes)
		return fn(l)
	})
}
