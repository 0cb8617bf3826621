package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestDeploySources(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	deploy := func(from DeployFrom) (paas.Deployment, error) {
		return r.Deploy(t.Context(), r.owner, p.Target(), from)
	}
	_, err := deploy(DeployFrom{})
	fails(t, "nothing to deploy again", err, paas.Conflict, "")
	_, err = deploy(DeployFrom{Configuration: true})
	fails(t, "nothing is live", err, paas.Conflict, "")
	r.wokenFor()

	up := r.send(r.owner, "shop.zip", "app.js")
	dep, err := deploy(DeployFrom{Upload: up.ID})
	if err != nil || dep.Source != (paas.Source{Kind: paas.SourceUpload, Upload: up.ID, Message: "shop.zip"}) {
		t.Errorf("an upload: %+v %v", dep.Source, err)
	}
	r.wokenFor("queued upload, 0 superseded")
	first := dep.ID

	dep, err = deploy(DeployFrom{Git: &paas.AppSource{URL: " https://example.com/shop ", Branch: "next"}})
	if err != nil || dep.Source.Kind != paas.SourceExternal || dep.Source.URL != "https://example.com/shop" || dep.Source.Branch != "next" {
		t.Errorf("a repository: %+v %v", dep.Source, err)
	}
	r.wokenFor("queued external, 1 superseded")

	if dep, err = deploy(DeployFrom{Deployment: first}); err != nil || dep.Source.Upload != up.ID {
		t.Errorf("an earlier one: %+v %v", dep.Source, err)
	}
	if dep, err = deploy(DeployFrom{}); err != nil || dep.Source.Upload != up.ID {
		t.Errorf("the last one: %+v %v", dep.Source, err)
	}
	source := paas.AppSource{URL: "https://example.com/settings"}
	_, err = r.ChangeApp(t.Context(), r.owner, p.Target(), AppChange{Source: &source})
	r.must(err)
	if dep, err = deploy(DeployFrom{}); err != nil || dep.Source.URL != source.URL {
		t.Errorf("the settings' own: %+v %v", dep.Source, err)
	}
}

func TestDeployRefuses(t *testing.T) {
	r := newRig(t)
	p, other := r.app("shop"), r.app("other")
	elsewhere, _, err := r.store.QueueDeployment(paas.System, other.Target(), git("https://example.com/other"))
	r.must(err)
	foreign := r.send(r.only(p), "x.zip", "app.js")
	for what, tt := range map[string]struct {
		from  DeployFrom
		kind  paas.Kind
		field string
	}{
		"two sources":              {DeployFrom{Git: &paas.AppSource{URL: "https://example.com"}, Configuration: true}, paas.Invalid, "git"},
		"no address":               {DeployFrom{Git: &paas.AppSource{Branch: "main"}}, paas.Invalid, "url"},
		"an address of no web":     {DeployFrom{Git: &paas.AppSource{URL: "file:///etc"}}, paas.Invalid, "url"},
		"another one's upload":     {DeployFrom{Upload: foreign.ID}, paas.NotFound, "upload"},
		"an upload that is gone":   {DeployFrom{Upload: paas.NewID("upl")}, paas.NotFound, "upload"},
		"no upload's id":           {DeployFrom{Upload: "../../etc"}, paas.NotFound, "upload"},
		"another app's deployment": {DeployFrom{Deployment: elsewhere.ID}, paas.Invalid, "deployment"},
		"no deployment":            {DeployFrom{Deployment: "x"}, paas.Invalid, "deployment"},
	} {
		_, err := r.Deploy(t.Context(), r.owner, p.Target(), tt.from)
		fails(t, what, err, tt.kind, tt.field)
	}
	r.wokenFor()
	if deps, err := r.store.Deployments(p.Target(), 5); err != nil || len(deps) != 0 {
		t.Errorf("a refused deployment is queued: %+v %v", deps, err)
	}
}

// The code of a rollback or of a change of settings is that of its build, as long as it is kept.
func TestDeployAgainNeedsTheCode(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	up := r.send(r.owner, "", "app.js")
	r.goLive(p, uploaded(up))
	dep, err := r.Deploy(t.Context(), r.owner, p.Target(), DeployFrom{Configuration: true})
	r.must(err)
	if dep.Source.Kind != paas.SourceConfig || dep.Source.Message != "Changed settings" {
		t.Errorf("%+v", dep.Source)
	}
	again, err := r.Deploy(t.Context(), r.owner, p.Target(), DeployFrom{Deployment: dep.ID})
	if err != nil || again.Source.Kind != paas.SourceUpload || again.Source.Upload != up.ID || again.Source.Message != "an upload" {
		t.Errorf("%+v %v", again.Source, err)
	}
	r.must(r.kept.Remove(up.ID))
	_, err = r.Deploy(t.Context(), r.owner, p.Target(), DeployFrom{})
	fails(t, "the code is gone", err, paas.Conflict, "")
}

func TestDeployPush(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	by := paas.Actor{Kind: paas.ActorToken, ID: "tok_1", Name: "laptop"}
	dep, err := r.DeployPush(t.Context(), by, p.App.ID, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("a", 40)})
	if err != nil || dep.Environment != p.Environment.ID {
		t.Fatalf("%+v %v", dep, err)
	}
	r.wokenFor("queued git, 0 superseded")
	_, err = r.DeployPush(t.Context(), by, paas.NewID("app"), paas.Source{Kind: paas.SourceGit})
	fails(t, "an app that is gone", err, paas.NotFound, "")
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	dep, err := r.Deploy(t.Context(), r.owner, p.Target(), DeployFrom{Git: &paas.AppSource{URL: "https://example.com/shop"}})
	r.must(err)
	r.woken()
	r.must(r.Cancel(t.Context(), r.owner, dep.ID))
	r.wokenFor("cancel")
	fails(t, "no id", r.Cancel(t.Context(), r.owner, "x"), paas.NotFound, "")
	r.wokenFor()
}

func TestUploads(t *testing.T) {
	r := newRig(t)
	_, err := r.Uploads.Take(r.owner, "x.zip", 0, strings.NewReader(""))
	fails(t, "an empty file", err, paas.Invalid, "file")
	_, err = r.Uploads.Take(r.owner, "x.zip", 1<<60, strings.NewReader("x"))
	fails(t, "more than the disk has", err, paas.NoSpace, "")
	_, err = r.Uploads.Take(access.Principal{}, "x.zip", 1, strings.NewReader("x"))
	fails(t, "nobody", err, paas.Unauthenticated, "")
	broken := errors.New("the sender is gone")
	_, err = r.Uploads.Take(r.owner, "x.zip", -1, &failing{broken})
	if !errors.Is(err, broken) {
		t.Errorf("a sender that fails: %v", err)
	}

	up := r.send(r.owner, "shop.zip", "app.js")
	plan, err := r.Uploads.Look(t.Context(), r.owner, up.ID, paas.BuildSettings{})
	if err != nil || plan.Language != "node" {
		t.Errorf("%+v %v", plan, err)
	}
	_, err = r.Uploads.Look(t.Context(), r.owner, up.ID, paas.BuildSettings{Root: "web"})
	fails(t, "nothing there", err, paas.Invalid, "")
	_, err = r.Uploads.Look(t.Context(), r.owner, up.ID, paas.BuildSettings{Root: strings.Repeat("x", 10_000)})
	fails(t, "a long root", err, paas.Invalid, "root")
	stranger := access.Principal{Kind: access.Token, ID: "tok_x", Scope: r.owner.Scope}
	_, err = r.Uploads.Look(t.Context(), stranger, up.ID, paas.BuildSettings{})
	fails(t, "another one's", err, paas.NotFound, "upload")
	r.must(r.Uploads.Drop(stranger, up.ID)) // of what one cannot see there is nothing to drop
	if _, err := r.Uploads.Own(r.owner, up.ID); err != nil {
		t.Errorf("somebody else dropped it: %v", err)
	}
	r.must(r.Uploads.Drop(r.owner, up.ID))
	_, err = r.Uploads.Own(r.owner, up.ID)
	fails(t, "after dropping it", err, paas.NotFound, "upload")
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

func TestUploadsInUse(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	built, waiting, idle := paas.NewID("upl"), paas.NewID("upl"), paas.NewID("upl")
	r.goLive(p, paas.Source{Kind: paas.SourceUpload, Upload: built})
	_, _, err := r.store.QueueDeployment(paas.System, p.Target(), paas.Source{Kind: paas.SourceUpload, Upload: waiting})
	r.must(err)
	used, err := r.Uploads.InUse()
	if err != nil || !used[built] || !used[waiting] || used[idle] {
		t.Errorf("%v %v", used, err)
	}
}

func TestNewestOutput(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	at := r.clock.now()
	for i, process := range []string{"web", "worker", "web", "web"} {
		r.prints.lines = append(r.prints.lines, paas.LogLine{Time: at.Add(-time.Duration(i) * time.Second), Process: process, Text: process})
	}
	lines, err := r.Output.Newest(t.Context(), r.owner, p.Target(), paas.LogOptions{Tail: 2}, "web")
	if err != nil || len(lines) != 2 || !lines[0].Time.Before(lines[1].Time) || !lines[1].Time.Equal(at) || lines[0].Process != "web" {
		t.Errorf("%+v %v", lines, err)
	}
	lines, err = r.Output.Newest(t.Context(), r.owner, p.Target(), paas.LogOptions{Tail: 10}, "")
	if err != nil || len(lines) != 4 {
		t.Errorf("%+v %v", lines, err)
	}
}
