package control

import (
	"slices"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

func TestRollBack(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	back := func(number int) (paas.Deployment, error) {
		return r.RollBack(t.Context(), r.owner, p.Target(), number)
	}
	_, err := back(0)
	fails(t, "nothing is live", err, paas.Conflict, "")
	one := r.goLive(p, git("https://example.com/1"))
	_, err = back(0)
	fails(t, "nothing before", err, paas.Conflict, "")
	two := r.goLive(p, git("https://example.com/2"))
	three := r.goLive(p, git("https://example.com/3"))
	_, err = back(-1)
	fails(t, "a number below 1", err, paas.Invalid, "version")
	_, err = back(99)
	fails(t, "no such version", err, paas.NotFound, "")
	_, err = back(three.Number)
	fails(t, "the live one", err, paas.Conflict, "")
	r.wokenFor()

	dep, err := back(0)
	want := paas.Source{Kind: paas.SourceRollback, URL: "https://example.com/2", Build: two.Build, Release: two.ID, Message: "Back to v2"}
	if err != nil || dep.Source != want {
		t.Errorf("the one before: %+v %v", dep.Source, err)
	}
	r.wokenFor("queued rollback, 0 superseded")
	dep, err = back(one.Number)
	if err != nil || dep.Source.Release != one.ID || dep.Source.Message != "Back to v1" {
		t.Errorf("by number: %+v %v", dep.Source, err)
	}
	r.wokenFor("queued rollback, 1 superseded")

	r.must(r.store.RemoveBuild(one.Build))
	_, err = back(one.Number)
	fails(t, "one whose image is gone", err, paas.Conflict, "")
	_, err = r.RollBack(t.Context(), r.only(p, access.ReleaseRead), p.Target(), 0)
	fails(t, "who may only look", err, paas.Forbidden, "")
	r.wokenFor()
}

// After going back, "the one before" is older still, not the version that one just came from.
func TestRollBackTwice(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	one := r.goLive(p, git("https://example.com/1"))
	two := r.goLive(p, git("https://example.com/2"))
	r.activate(p, git("https://example.com/1"), one.Build) // v3, as a rollback to v1 makes it
	preview, err := r.PreviewRollback(r.owner, p.Target(), 0)
	if err != nil || preview.To.ID != two.ID {
		t.Errorf("before v3 came v%d, %v", preview.To.Number, err)
	}
}

func TestPreviewRollback(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	r.set(p, map[string]string{"SAME": "1", "CHANGED": "then", "RETURNS": "1"})
	one := r.goLive(p, git("https://example.com/1"))
	r.set(p, map[string]string{"CHANGED": "now", "GOES": "1"}, "RETURNS")
	two := r.activate(p, git("https://example.com/1"), one.Build)
	r.woken()
	got, err := r.PreviewRollback(r.only(p, access.ReleaseRead), p.Target(), 0)
	r.must(err)
	if got.From.ID != two.ID || got.To.ID != one.ID || !got.SameCode || got.Source.URL != "https://example.com/1" {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(got.Goes, []string{"GOES"}) || !slices.Equal(got.Changes, []string{"CHANGED"}) || !slices.Equal(got.Returns, []string{"RETURNS"}) {
		t.Errorf("goes %q, changes %q, returns %q", got.Goes, got.Changes, got.Returns)
	}
	r.goLive(p, git("https://example.com/3"))
	got, err = r.PreviewRollback(r.owner, p.Target(), two.Number)
	if err != nil || got.SameCode || got.To.ID != two.ID || len(got.Goes)+len(got.Changes)+len(got.Returns) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	r.wokenFor()
}
