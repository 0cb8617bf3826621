package deploy

import (
	"context"
	"fmt"
	"os"

	"github.com/cloudsania/cloudsania/builder/detect"
	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const minFreeBytes = 1 << 30 // less than this and nothing is built: a full disk hurts apps that run

// repositories hands out code from the built-in remote and from public addresses.
type repositories interface {
	Checkout(ctx context.Context, app, commit, dir string) error
	Clone(ctx context.Context, url, branch, dir string) (paas.Source, error)
	Remove(app string) error
}

// uploads hands out kept uploads.
type uploads interface {
	Copy(ctx context.Context, id, dir string) error
	Remove(id string) error
}

// warnings lists what in a checked-out source will not work as its author expects: submodules, LFS pointers.
type warnings func(dir string) []string

// fetch brings src into dir, and returns it with what is known only now, such as the commit of a branch.
func (d *Deployer) fetch(ctx context.Context, j *job, src paas.Source, dir string) (paas.Source, error) {
	if err := d.step(j, paas.StepSource); err != nil {
		return src, err
	}
	switch src.Kind {
	case paas.SourceGit:
		d.say(j, "taking commit %.10s", src.Commit)
		return src, d.repos.Checkout(ctx, j.app.ID, src.Commit, dir)
	case paas.SourceExternal:
		d.say(j, "cloning %s", src.URL)
		got, err := d.repos.Clone(ctx, src.URL, src.Branch, dir)
		got.Kind, got.URL = paas.SourceExternal, src.URL
		return got, err
	case paas.SourceUpload:
		d.say(j, "unpacking %s", src.Message)
		return src, d.upload.Copy(ctx, src.Upload, dir)
	}
	return src, fmt.Errorf("fetch a source of kind %q", src.Kind)
}

// detect says in the log what the source is and what in it will not work as expected.
func (d *Deployer) detect(j *job, dir string) (paas.Plan, error) {
	if d.warn != nil {
		for _, w := range d.warn(dir) {
			d.say(j, "warning: %s", w)
		}
	}
	if err := d.step(j, paas.StepDetect); err != nil {
		return paas.Plan{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return paas.Plan{}, fmt.Errorf("open source: %w", err)
	}
	defer root.Close()
	config, err := d.store.AppEnvironment(j.target)
	if err != nil {
		return paas.Plan{}, err
	}
	plan, err := detect.Detect(root.FS(), j.app.BuildIn(config))
	if err != nil {
		return plan, err
	}
	for _, f := range plan.Facts {
		if f.File != "" {
			d.say(j, "%s (%s)", f.Text, f.File)
		} else {
			d.say(j, "%s", f.Text)
		}
	}
	for _, w := range plan.Warnings {
		d.say(j, "warning: %s", w)
	}
	return plan, d.provide(j, plan.Missing)
}

// provide generates the secrets that app.json asks for and lists which other variables the source needs and nobody
// has set.
func (d *Deployer) provide(j *job, needed []paas.Needed) error {
	have, err := d.store.Variables(j.target)
	if err != nil {
		return err
	}
	set := map[string]bool{}
	for _, v := range have {
		set[v.Name] = true
	}
	var made []paas.Variable
	for _, n := range needed {
		switch {
		case set[n.Name]:
		case n.Generate:
			made = append(made, paas.Variable{Name: n.Name, Value: paas.GenerateSecret()})
			d.say(j, "made a secret for %s, as %s asks", n.Name, n.File)
		case n.Required:
			d.say(j, "missing: %s, which %s asks for%s; set it under Variables", n.Name, n.File, described(n))
		}
	}
	if len(made) == 0 {
		return nil
	}
	return d.store.SetVariables(paas.System, j.target, made, nil)
}

func described(n paas.Needed) string {
	if n.Description == "" {
		return ""
	}
	return " (" + n.Description + ")"
}

func (d *Deployer) roomToBuild() error {
	_, free, err := disk.Free(d.data)
	if err != nil || free >= minFreeBytes {
		return nil // when it cannot be told, the build itself will tell
	}
	return &paas.Error{Kind: paas.NoSpace,
		Msg:  fmt.Sprintf("the disk is nearly full: %d MB are free, a build needs at least %d", free>>20, minFreeBytes>>20),
		Hint: "delete what you do not need from the server, or delete apps that are not used; apps that run are not affected"}
}
