package store

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/cloudsania/cloudsania/paas"
)

var (
	pool = netip.MustParsePrefix("10.202.0.0/16")
	anna = paas.Actor{Kind: paas.ActorUser, ID: "usr_anna", Name: "Anna", Addr: "203.0.113.7"}
)

// clock is the time of a test store: it stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// options of a database in a directory of its own.
func options(t testing.TB) Options {
	t.Helper()
	return Options{Path: filepath.Join(t.TempDir(), "cloudsania.db"), Key: NewKey(), Now: newClock().now}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// opened is a fresh store with a pool.
func opened(t testing.TB) *Store {
	t.Helper()
	return withPool(t, mustOpen(t, options(t)))
}

func withPool(t testing.TB, s *Store) *Store {
	t.Helper()
	must(t, s.SaveSettings(paas.Settings{Pool: pool, Domain: "example.com"}))
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func wantKind(t testing.TB, err error, kind paas.Kind) {
	t.Helper()
	if !paas.IsKind(err, kind) {
		t.Fatalf("got %v (%T), want kind %q", err, err, kind)
	}
	if e := paas.Public(err); e.Msg == "" {
		t.Fatalf("%v says nothing", err)
	}
}

// site is an app that was created, with its production target.
type site struct {
	s      *Store
	app    paas.App
	target paas.Target
}

func newSite(t testing.TB, s *Store, name string) site {
	t.Helper()
	app := got(s.CreateApp(anna, NewApp{Name: name}))(t)
	return site{s, app, got(s.Target(app.ID, ""))(t)}
}

// begun is a deployment up to its release.
func (w site) begun(t testing.TB) (paas.Deployment, paas.Release) {
	t.Helper()
	dep, _, err := w.s.QueueDeployment(anna, w.target, paas.Source{Kind: paas.SourceGit, Commit: "abc", Message: "first"})
	must(t, err)
	must(t, w.s.BeginDeployment(dep.ID))
	b := paas.Build{ID: paas.NewID("bld"), App: w.app.ID, Image: "apps/" + w.app.ID + "@sha256:00", Plan: paas.Plan{Language: "node"}}
	must(t, w.s.RecordBuild(dep.ID, b))
	rel := got(w.s.MakeRelease(dep.ID, ReleaseFrom{Build: b.ID}))(t)
	return dep, rel
}

// started is an instance with a container that listens.
func (w site) started(t testing.TB, deployment, process string) paas.Instance {
	t.Helper()
	inst := got(w.s.NewInstance(deployment, process))(t)
	must(t, w.s.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Container, i.Port = "c-"+i.ID, 8080; return nil }))
	return got(w.s.Instance(inst.ID))(t)
}

// deploy takes a version live and finishes its deployment.
func (w site) deploy(t testing.TB) (paas.Deployment, paas.Instance) {
	t.Helper()
	dep, _ := w.begun(t)
	inst := w.started(t, dep.ID, "web")
	_, err := w.s.Activate(dep.ID, []string{inst.ID})
	must(t, err)
	must(t, w.s.FinishDeployment(dep.ID, paas.Succeeded, nil))
	return got(w.s.Deployment(dep.ID))(t), got(w.s.Instance(inst.ID))(t)
}

// dump is all that the database holds.
func dump(t testing.TB, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, s.db.View(func(bt *bolt.Tx) error {
		return bt.ForEach(func(name []byte, b *bolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error { all[fmt.Sprintf("%s/%x", name, k)] = string(v); return nil })
		})
	}))
	return all
}

// Everything at once, under the race detector: the event chain must stay whole, numbers unique and addresses disjoint.
func TestConcurrentUse(t *testing.T) {
	s := opened(t)
	const workers, rounds = 8, 4
	var wg sync.WaitGroup
	errs := make(chan error, workers*rounds)
	for n := range workers {
		wg.Go(func() {
			app, err := s.CreateApp(anna, NewApp{Name: fmt.Sprintf("app%d", n)})
			if err != nil {
				errs <- err
				return
			}
			target, err := s.Target(app.ID, "")
			errs <- err
			for range rounds {
				dep, _, err := s.QueueDeployment(anna, target, paas.Source{Kind: paas.SourceGit})
				if err == nil {
					err = s.BeginDeployment(dep.ID)
				}
				if err == nil {
					_, err = s.Table()
				}
				if err == nil {
					_, err = s.Events(EventFilter{Path: paas.Path{App: app.ID}})
				}
				errs <- errors.Join(err, s.FinishDeployment(dep.ID, paas.StatusFailed, &paas.Failure{Message: "no"}))
			}
		})
	}
	go func() { wg.Wait(); close(errs) }()
	for err := range errs {
		must(t, err)
	}
	if r := got(s.VerifyEvents())(t); !r.OK() {
		t.Fatalf("chain broken: %+v", r.Breaks)
	}
	subnets := map[netip.Prefix]bool{}
	for _, p := range got(s.AppEnvironments())(t) {
		subnets[got(s.Environment(p.Environment))(t).Subnet] = true
	}
	if len(subnets) != workers {
		t.Fatalf("%d subnets for %d environments: %v", len(subnets), workers, subnets)
	}
	must(t, s.Check())
}

func TestClosedStoreSaysSo(t *testing.T) {
	s := opened(t)
	must(t, s.Close())
	_, err := s.Apps()
	wantKind(t, err, paas.Unavailable)
	wantKind(t, note(s, anna, "x", "", paas.Path{}, nil), paas.Unavailable)
}

// note appends an event of a name that only tests have.
func note(s *Store, by paas.Actor, action, subject string, at paas.Path, detail map[string]string) error {
	return s.change(by, func(t *Tx) error {
		if at == (paas.Path{}) {
			var err error
			if at, err = t.teamPath(); err != nil {
				return err
			}
		}
		return t.record(paas.Event{Action: paas.EventName(action), Subject: subject, Path: at, Detail: detail})
	})
}
