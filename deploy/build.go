package deploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudsania/cloudsania/builder"
	"github.com/cloudsania/cloudsania/paas"
)

// build is the build that goes live: the one that an interrupted attempt recorded, the one that the source names,
// the live one, or a new one.
func (d *Deployer) build(ctx context.Context, j *job) (paas.Build, error) {
	switch src := j.dep.Source; {
	case j.dep.Build != "":
		return d.store.Build(j.dep.Build)
	case src.Kind == paas.SourceRollback:
		return d.store.Build(src.Build)
	case src.Kind == paas.SourceConfig:
		b, ok, err := d.reuse(j.target)
		if ok || err != nil {
			return b, err
		}
		return d.buildSource(ctx, j, b.Source)
	default:
		return d.buildSource(ctx, j, src)
	}
}

// buildSource fetches the source and builds it.
func (d *Deployer) buildSource(ctx context.Context, j *job, src paas.Source) (paas.Build, error) {
	if err := d.roomToBuild(); err != nil {
		return paas.Build{}, err
	}
	dir := filepath.Join(d.data, "builds", j.dep.ID)
	if err := os.RemoveAll(dir); err != nil {
		return paas.Build{}, fmt.Errorf("clear build directory: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return paas.Build{}, fmt.Errorf("make build directory: %w", err)
	}
	src, err := d.fetch(ctx, j, src, dir)
	if err != nil {
		return paas.Build{}, err
	}
	plan, err := d.detect(j, dir)
	if err != nil {
		return paas.Build{}, err
	}
	return d.makeBuild(ctx, j, src, plan, dir)
}

// makeBuild builds and records the result.
func (d *Deployer) makeBuild(ctx context.Context, j *job, src paas.Source, plan paas.Plan, dir string) (paas.Build, error) {
	if err := d.step(j, paas.StepBuild); err != nil {
		return paas.Build{}, err
	}
	vars, err := d.store.Variables(j.target)
	if err != nil {
		return paas.Build{}, err
	}
	previous, err := d.previousImage(j.app.ID)
	if err != nil {
		return paas.Build{}, err
	}
	b := paas.Build{ID: paas.NewID("bld"), App: j.app.ID, Source: src, Created: time.Now().UTC()}
	out := d.logs.writer(j.dep.ID, paas.StepBuild)
	res, err := d.images.Build(ctx, builder.Request{App: j.app.ID, Build: b.ID, Dir: dir, Plan: plan, Env: paas.BuildValues(vars),
		Previous: previous, Out: out})
	out.Flush()
	if err != nil {
		return b, err
	}
	b.Plan, b.Image, b.Tree, b.Took = res.Plan, res.Image, res.Tree, time.Since(b.Created)
	if err := d.store.RecordBuild(j.dep.ID, b); err != nil {
		return b, err
	}
	d.say(j, "built in %s", b.Took.Round(100*time.Millisecond))
	return b, nil
}

// previousImage is the newest image of the app: its layers are used again.
func (d *Deployer) previousImage(app string) (string, error) {
	builds, err := d.store.Builds(app)
	if err != nil {
		return "", err
	}
	for _, b := range builds { // the newest first
		if b.Image != "" {
			return b.Image, nil
		}
	}
	return "", nil
}
