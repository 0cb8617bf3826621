package deploy

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// scale runs the live release of target in as many copies as the app environment asks for: new ones start beside
// the others and are in the edge's table once they are healthy, surplus ones drain. It gives way to a deployment,
// which brings up all copies anew.
func (d *Deployer) scale(ctx context.Context, target paas.Target) {
	ctx, release := d.queue.yielding(ctx, target)
	defer release()
	if err := d.scaleTo(ctx, target); err != nil && ctx.Err() == nil && !paas.IsKind(err, paas.NotFound) {
		d.log.Warn("cannot run an app in the copies that it should have", "app", target.App, "err", err)
	}
}

func (d *Deployer) scaleTo(ctx context.Context, target paas.Target) error {
	p, missing, surplus, err := d.copiesOf(target)
	if err != nil || len(missing)+len(surplus) == 0 {
		return err
	}
	for _, inst := range surplus {
		d.log.Info("ending a surplus copy", "app", target.App, "process", inst.Process, "instance", inst.ID)
		err := d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.State = paas.Draining; return nil })
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 || !d.scaling.may(p) {
		return nil
	}
	err = d.addCopies(ctx, p, missing)
	if ctx.Err() == nil {
		d.scaling.note(p, err)
	}
	return err
}

// copiesOf compares what runs with what is wanted of the live release; nothing is missing before the first one.
func (d *Deployer) copiesOf(target paas.Target) (
	p paas.AppEnvironment, missing []string, surplus []paas.Instance, err error,
) {
	err = d.store.View(func(t *store.Tx) error {
		if p, err = t.AppEnvironment(target); err != nil || p.Live() == "" {
			return err
		}
		rel, err := t.Release(p.Live())
		if err != nil {
			return err
		}
		b, err := t.Build(rel.Build)
		if err != nil || b.Image == "" { // the edge serves static files itself
			return err
		}
		running, err := t.InstancesOf(target)
		live := slices.DeleteFunc(running, func(i paas.Instance) bool { return i.State != paas.Live })
		missing, surplus = wantedCopies(b.Plan, p.Scale()).compare(live)
		return err
	})
	return p, missing, surplus, err
}

// addCopies starts one more copy of each of these processes. They become healthy side by side; one that does not is
// discarded and holds up none of the others.
func (d *Deployer) addCopies(ctx context.Context, p paas.AppEnvironment, processes []string) error {
	v, err := d.launch.version(p.Live())
	if err != nil {
		return err
	}
	if err := d.launch.prepare(ctx, v); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(processes))
	for i, process := range processes {
		wg.Go(func() { errs[i] = d.addCopy(ctx, v, p.Target, process) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Deployer) addCopy(ctx context.Context, v version, target paas.Target, process string) (err error) {
	inst, err := d.store.NewCopy(target, process)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.discard(context.WithoutCancel(ctx), []string{inst.ID})
		}
	}()
	d.log.Info("starting one more copy", "app", target.App, "process", process, "instance", inst.ID)
	if inst, err = d.launch.start(ctx, v, inst); err != nil {
		return err
	}
	if err := d.waitHealthy(ctx, v, inst, func(string, ...any) {}); err != nil {
		return fmt.Errorf("a new copy of %s: %w", process, err)
	}
	return d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.State = paas.Live; return nil })
}

// misscaled are the targets that do not run in the copies they should have.
func (d *Deployer) misscaled() ([]paas.Target, error) {
	all, err := d.store.AppEnvironments()
	if err != nil {
		return nil, err
	}
	var out []paas.Target
	for _, p := range all {
		_, missing, surplus, err := d.copiesOf(p.Target)
		if err != nil && !paas.IsKind(err, paas.NotFound) {
			return nil, err
		}
		if len(missing)+len(surplus) > 0 {
			out = append(out, p.Target)
		}
	}
	return out, nil
}

// scaling remembers the targets whose new copies did not become healthy: the same ones are tried again after
// growing pauses only.
type scaling struct {
	mu     sync.Mutex
	failed map[paas.Target]*failedCopies
}

type failedCopies struct {
	what  string // release and copies
	pause backoff
	until time.Time
}

func newScaling() *scaling { return &scaling{failed: map[paas.Target]*failedCopies{}} }

// may reports whether these copies can be tried now.
func (s *scaling) may(p paas.AppEnvironment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.failed[p.Target]
	return f == nil || f.what != what(p) || time.Now().After(f.until)
}

// note keeps how a try went.
func (s *scaling) note(p paas.AppEnvironment, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.failed, p.Target)
		return
	}
	f := s.failed[p.Target]
	if f == nil || f.what != what(p) {
		f = &failedCopies{what: what(p), pause: backoff{last: time.Minute, most: time.Hour}}
		s.failed[p.Target] = f
	}
	f.until = time.Now().Add(f.pause.next())
}

func what(p paas.AppEnvironment) string { return fmt.Sprint(p.Live(), p.Scale()) }
