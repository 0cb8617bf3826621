package control

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// names are the full names of the apps that by sees.
func (r *rig) names(by access.Principal) []string {
	r.t.Helper()
	apps, err := r.Apps(by, "")
	r.must(err)
	out := []string{}
	for _, s := range apps {
		out = append(out, s.FullName())
	}
	return out
}

// state finds an app in the fleet.
func (r *rig) state(p Place) AppState {
	r.t.Helper()
	apps, err := r.Apps(r.owner, "")
	r.must(err)
	i := slices.IndexFunc(apps, func(s AppState) bool { return s.App.ID == p.App.ID })
	if i < 0 {
		r.t.Fatalf("%s is not in the fleet", p.App.Name)
	}
	return apps[i]
}

// What was read before is kept, and yet whatever was committed a moment ago is in the next answer.
func TestFleetShowsWhatIsCommitted(t *testing.T) {
	r := newRig(t)
	if got := r.names(r.owner); len(got) != 0 {
		t.Errorf("apps %q", got)
	}
	shop, blog := r.app("shop"), r.app("team/blog")
	if got := r.names(r.owner); !slices.Equal(got, []string{"shop", "team/blog"}) {
		t.Errorf("apps %q", got)
	}
	if s := r.state(shop); s.Live != nil || s.Latest != nil || s.Address != "https://shop.cloud.test" || s.Remote != "https://cloud.test/git/shop.git" {
		t.Errorf("%+v", s)
	}
	rel := r.goLive(shop, git("https://example.com/shop"))
	if s := r.state(shop); s.Live == nil || s.Live.ID != rel.ID || s.Build == nil || s.Latest == nil || s.Latest.Status != paas.Succeeded || len(s.Recent) != 1 {
		t.Errorf("%+v", s)
	}
	if s := r.state(blog); s.Live != nil {
		t.Errorf("another app is live: %+v", s)
	}
	second := r.goLive(shop, git("https://example.com/shop"))
	r.must(r.store.RemoveBuild(rel.Build))
	if s := r.state(shop); s.Live.ID != second.ID || s.Build == nil {
		t.Errorf("%+v", s)
	}
	name := "zoo"
	_, err := r.ChangeApp(t.Context(), r.owner, blog.Target(), AppChange{Name: &name})
	r.must(err)
	if got := r.names(r.owner); !slices.Equal(got, []string{"shop", "team/zoo"}) {
		t.Errorf("after a rename %q", got)
	}
	r.must(r.DeleteApp(t.Context(), r.owner, "shop", nil))
	if got := r.names(r.owner); !slices.Equal(got, []string{"team/zoo"}) {
		t.Errorf("after a deletion %q", got)
	}
}

func TestFleetIsOfWhoAsks(t *testing.T) {
	r := newRig(t)
	one, two := r.app("one/shop"), r.app("two/shop")
	if got := r.names(r.only(one)); !slices.Equal(got, []string{"one/shop"}) {
		t.Errorf("a token of one app sees %q", got)
	}
	if got := r.names(r.only(one, access.AppList)); len(got) != 0 {
		t.Errorf("a token that may not read sees %q", got)
	}
	if _, err := r.Apps(access.Principal{}, ""); !paas.IsKind(err, paas.Unauthenticated) {
		t.Errorf("without a credential: %v", err)
	}
	apps, err := r.Apps(r.owner, "staging")
	if err != nil || len(apps) != 0 {
		t.Errorf("in another environment %+v, %v", apps, err)
	}
	// a name that two apps have finds neither; who sees one of them need not know
	if !r.state(two).ByID {
		t.Error("its name alone is said to find it")
	}
	alone, err := r.Apps(r.only(two), "")
	if err != nil || len(alone) != 1 || alone[0].ByID {
		t.Errorf("%+v %v", alone, err)
	}
	for by, want := range map[*access.Principal]bool{&r.owner: true, ptr(r.only(two)): false} {
		if s, err := r.App(*by, two.Target()); err != nil || s.ByID != want {
			t.Errorf("%s: by id %v, %v", by.Name, s.ByID, err)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestDown(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	r.goLive(p, git("https://example.com/shop"))
	if r.state(p).Down(r.clock.now()) {
		t.Error("down without a crash")
	}
	r.clock.move(time.Minute)
	r.must(r.store.AppendEvent(paas.System, paas.InstanceCrashing{}, p.App.ID, p.Path))
	for range 2 * crashBatch {
		r.must(r.store.AppendEvent(paas.System, paas.SessionEnded{}, p.App.ID, p.Path))
	}
	if !r.state(p).Down(r.clock.now()) {
		t.Error("not down after a crash")
	}
	if r.state(p).Down(r.clock.now().Add(crashShown)) {
		t.Error("down for ever")
	}
	r.clock.move(time.Second)
	r.goLive(p, git("https://example.com/shop"))
	if r.state(p).Down(r.clock.now()) {
		t.Error("a new version is down for the crash of the old one")
	}
}

func TestWeekOf(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	r.goLive(p, git("https://example.com/shop"))
	r.clock.move(week + time.Hour)
	r.goLive(p, git("https://example.com/shop"))
	dep, _, err := r.store.QueueDeployment(paas.System, p.Target(), git("https://example.com/shop"))
	r.must(err)
	r.must(r.store.BeginDeployment(dep.ID))
	r.must(r.store.FinishDeployment(dep.ID, paas.StatusFailed, nil))
	apps, err := r.Apps(r.owner, "")
	r.must(err)
	if got := WeekOf(apps, r.clock.now()); got != (Week{Tried: 2, Live: 1, Failed: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestChangesAreTold(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	changes := r.Watch()
	defer changes.Close()
	if err := changes.Next(t.Context(), time.Millisecond); err != nil {
		t.Errorf("when only the time has passed: %v", err)
	}
	told := make(chan error, 1)
	go func() { told <- changes.Next(t.Context(), time.Minute) }()
	r.set(p, map[string]string{"A": "1"})
	select {
	case err := <-told:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a change is not told")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := changes.Next(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	old, live := r.goLive(p, git("https://example.com/1")), r.goLive(p, git("https://example.com/2"))
	r.must(r.store.RemoveBuild(old.Build))
	got, err := r.History(r.owner, p.Target(), 10)
	if err != nil || len(got.Deployments) != 2 || got.Live != live.ID || got.LastNumber != 2 || !got.Kept[live.Build] || got.Kept[old.Build] {
		t.Errorf("%+v %v", got, err)
	}
	got, err = r.History(r.owner, p.Target(), 1)
	if err != nil || len(got.Deployments) != 1 || got.Deployments[0].Release != live.ID {
		t.Errorf("the newest: %+v %v", got.Deployments, err)
	}
}
