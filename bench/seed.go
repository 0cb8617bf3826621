package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	longHistory   = 1000 // deployments of the app that has been there for long
	manyVariables = 500  // of the same app

	maxSeeded = 1<<(subnetBits-poolBits) - 1 // a network each, and one for the app with the long history

	history = 60 * 24 * time.Hour // over which the deployments are spread
)

// How store divides a pool: 64 addresses for each environment.
const poolBits, subnetBits = 16, 26

// seedPool is below the networks that an installation chooses from, so that it meets none on this machine.
var seedPool = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 62}), poolBits)

// longApp is the app with the long history.
type longApp struct {
	name                   string
	deployments, variables int
}

// seed writes an installation of many live static apps before control starts, through the store as deploys do: each app with one
// version, and beside them one with many.
func seed(ctx context.Context, data string, apps, deployments, variables int) (long longApp, err error) {
	s, err := newSeeder(data, apps+deployments)
	if err != nil {
		return long, err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	for n := range apps {
		if err := s.app(ctx, fmt.Sprintf("site-%04d", n), 1); err != nil {
			return long, err
		}
	}
	long = longApp{name: "longest", deployments: deployments}
	if err := s.app(ctx, long.name, deployments); err != nil {
		return long, err
	}
	long.variables, err = s.variables(ctx, long.name, variables)
	return long, err
}

// seeder writes what apps leave behind. Its clock goes from the past to now, in equal steps for each deployment.
type seeder struct {
	store *store.Store
	data  string
	now   time.Time
	apart time.Duration
}

func newSeeder(data string, deployments int) (*seeder, error) {
	key, err := store.CreateKey(data + ".key")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(data, 0o711); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	s := &seeder{data: data, now: time.Now().Add(-history), apart: history / time.Duration(deployments+1)}
	s.store, err = store.Open(store.Options{Path: filepath.Join(data, "cloudsania.db"), Key: key, Now: func() time.Time { return s.now }})
	if err != nil {
		return nil, err
	}
	settings := s.store.Settings()
	settings.Pool = seedPool
	return s, s.store.SaveSettings(settings)
}

// app makes a static app with that many deployments, of which every tenth failed and the last is live.
func (s *seeder) app(ctx context.Context, name string, deployments int) error {
	var target paas.Target
	err := s.store.Change(ctx, paas.System, func(t *store.Tx) error {
		a, err := t.CreateApp(store.NewApp{Name: name})
		if err != nil {
			return err
		}
		target, err = t.Target(a.ID, paas.Production)
		return err
	})
	if err != nil {
		return err
	}
	for n := 1; n <= deployments; n++ {
		s.now = s.now.Add(s.apart)
		end := succeed
		if n%10 == 0 && n < deployments {
			end = fail
		}
		if err := s.store.Change(ctx, paas.System, func(t *store.Tx) error { return deploy(t, target, n, end) }); err != nil {
			return fmt.Errorf("deployment %d of %s: %w", n, name, err)
		}
	}
	return s.files(target)
}

func deploy(t *store.Tx, target paas.Target, n int, end func(*store.Tx, paas.Deployment) error) error {
	dep, _, err := t.QueueDeployment(target, paas.Source{Kind: paas.SourceGit, Commit: fmt.Sprintf("%040x", n), Branch: "main",
		Message: fmt.Sprintf("Change %d of the shop's front page", n), Author: "Ada Lovelace"})
	if err != nil {
		return err
	}
	if err := t.BeginDeployment(dep.ID); err != nil {
		return err
	}
	for _, step := range []paas.Step{paas.StepSource, paas.StepDetect, paas.StepBuild} {
		if err := t.RecordStep(dep.ID, step); err != nil {
			return err
		}
	}
	return end(t, dep)
}

func fail(t *store.Tx, dep paas.Deployment) error {
	return t.FinishDeployment(dep.ID, paas.StatusFailed, &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild,
		Message: "the build ended with exit code 1", Hint: "see the lines above", Lines: []string{"npm error code ELIFECYCLE"}})
}

// succeed makes a release of a static build live, and ends the instance before it.
func succeed(t *store.Tx, dep paas.Deployment) error {
	build := paas.Build{ID: paas.NewID("bld"), App: dep.App, Source: dep.Source, Created: t.Now(), Tree: fmt.Sprintf("sha256:%064x", 1),
		Plan: paas.Plan{Language: "static", Static: &paas.Static{Dir: "."}}}
	if err := t.RecordBuild(dep.ID, build); err != nil {
		return err
	}
	if _, err := t.MakeRelease(dep.ID, store.ReleaseFrom{Build: build.ID}); err != nil {
		return err
	}
	inst, err := t.NewInstance(dep.ID, "web")
	if err != nil {
		return err
	}
	if _, err := t.Activate(dep.ID, []string{inst.ID}); err != nil {
		return err
	}
	return errors.Join(t.FinishDeployment(dep.ID, paas.Succeeded, nil), endOthers(t, dep, inst.ID))
}

func endOthers(t *store.Tx, dep paas.Deployment, live string) error {
	all, err := t.InstancesOf(paas.Target{App: dep.App, Environment: dep.Environment})
	if err != nil {
		return err
	}
	for _, inst := range all {
		if inst.ID != live {
			err = errors.Join(err, t.InstanceGone(inst.ID))
		}
	}
	return err
}

// files writes what visitors of the live version see.
func (s *seeder) files(target paas.Target) error {
	live, err := s.store.InstancesOf(target)
	if err != nil {
		return err
	}
	for _, inst := range live {
		dir := filepath.Join(s.data, "static", inst.Dir)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make a site: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("<!doctype html>\n<title>A site</title>\n"), 0o644); err != nil {
			return fmt.Errorf("make a site: %w", err)
		}
	}
	return nil
}

// variables sets as many as asked for, or as many hundreds of them as one app can have, and tells how many.
func (s *seeder) variables(ctx context.Context, app string, n int) (int, error) {
	a, err := s.store.FindApp(app)
	if err != nil {
		return 0, err
	}
	target, err := s.store.Target(a.ID, paas.Production)
	if err != nil {
		return 0, err
	}
	for ; n > 0; n -= 100 {
		vars := make([]paas.Variable, n)
		for i := range vars {
			vars[i] = paas.Variable{Name: fmt.Sprintf("SETTING_%03d", i), Value: paas.NewSecret(fmt.Sprintf("value of setting %d", i))}
		}
		err = s.store.Change(ctx, paas.System, func(t *store.Tx) error { return t.SetVariables(target, vars, nil) })
		if !paas.IsKind(err, paas.TooLarge) {
			return n, err
		}
	}
	return 0, err
}
