package control

import (
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
)

// subject is an app and one of its deployments, which may not be there.
type subject struct {
	target     paas.Target
	deployment string
}

// Whoever may not see an app gets the same answer as for one that does not exist, whatever they ask for, and
// nothing happens.
func TestForeignAndAbsentLookAlike(t *testing.T) {
	r := newRig(t)
	shop, other := r.app("shop"), r.app("other")
	r.goLive(shop, git("https://example.com/shop"))
	r.goLive(shop, git("https://example.com/shop"))
	dep, _, err := r.store.QueueDeployment(paas.System, shop.Target(), git("https://example.com/shop"))
	r.must(err)
	ctx := t.Context()
	memory := paas.Limits{MemoryMB: 256}
	uses := map[string]func(by access.Principal, s subject) error{
		"App":       func(by access.Principal, s subject) error { _, err := r.App(by, s.target); return err },
		"Releases":  func(by access.Principal, s subject) error { _, err := r.Releases(by, s.target); return err },
		"History":   func(by access.Principal, s subject) error { _, err := r.History(by, s.target, 5); return err },
		"Variables": func(by access.Principal, s subject) error { _, err := r.Variables(by, s.target); return err },
		"ChangeApp": func(by access.Principal, s subject) error {
			_, err := r.ChangeApp(ctx, by, s.target, AppChange{Limits: &memory})
			return err
		},
		"ChangeVariables": func(by access.Principal, s subject) error {
			_, err := r.ChangeVariables(ctx, by, s.target, VariableChange{Set: setting(map[string]string{"A": "1"})})
			return err
		},
		"Deploy": func(by access.Principal, s subject) error {
			_, err := r.Deploy(ctx, by, s.target, DeployFrom{Configuration: true})
			return err
		},
		"RollBack":        func(by access.Principal, s subject) error { _, err := r.RollBack(ctx, by, s.target, 0); return err },
		"PreviewRollback": func(by access.Principal, s subject) error { _, err := r.PreviewRollback(by, s.target, 0); return err },
		"AppLogs": func(by access.Principal, s subject) error {
			return r.Output.App(ctx, by, s.target, paas.LogOptions{}, func(paas.LogLine) error { return nil })
		},
		"Cancel":     func(by access.Principal, s subject) error { return r.Cancel(ctx, by, s.deployment) },
		"Deployment": func(by access.Principal, s subject) error { _, err := r.Deployment(by, s.deployment); return err },
		"DeploymentLog": func(by access.Principal, s subject) error {
			_, err := r.Output.DeploymentLog(by, s.deployment)
			return err
		},
		"Follow": func(by access.Principal, s subject) error {
			_, err := r.Output.Follow(ctx, by, s.deployment, 0, func(paas.LogLine) error { return nil })
			return err
		},
		"Events": func(by access.Principal, s subject) error {
			_, _, err := r.Events.List(by, EventQuery{App: s.target.App})
			return err
		},
		"OpenRepository": func(by access.Principal, s subject) error {
			_, _, err := r.OpenRepository(ctx, by, s.target.App, false)
			return err
		},
		"DeleteApp": func(by access.Principal, s subject) error { return r.DeleteApp(ctx, by, s.target.App, nil) },
	}
	own := subject{shop.Target(), dep.ID}
	absent := subject{paas.Target{App: paas.NewID("app"), Environment: shop.Environment.ID}, paas.NewID("dep")}
	stranger := r.only(other)
	r.woken()
	for name, use := range uses {
		foreign, missing := use(stranger, own), use(stranger, absent)
		if !paas.IsKind(foreign, paas.NotFound) || anonymised(foreign, own) != anonymised(missing, absent) {
			t.Errorf("%s: a foreign app answers %v, one that does not exist %v", name, foreign, missing)
		}
		if err := use(access.Principal{}, own); !paas.IsKind(err, paas.Unauthenticated) {
			t.Errorf("%s without a credential: %v", name, err)
		}
		if err := use(r.only(shop, access.HealthRead), own); !paas.IsKind(err, paas.Forbidden) && !paas.IsKind(err, paas.NotFound) {
			t.Errorf("%s with a token for something else: %v", name, err)
		}
	}
	r.wokenFor()
	for name, use := range uses {
		if name != "DeleteApp" {
			r.must(use(r.owner, own))
		}
	}
	r.must(uses["DeleteApp"](r.owner, own))
}

// anonymised is an error's words without the ids that it was asked for.
func anonymised(err error, s subject) string {
	e := paas.Public(err)
	return strings.NewReplacer(s.target.App, "ID", s.deployment, "ID").Replace(string(e.Kind) + " " + e.Msg + " " + e.Hint)
}

// Whoever may see an app but not change it is told so.
func TestReadersChangeNothing(t *testing.T) {
	r := newRig(t)
	shop := r.app("shop")
	r.goLive(shop, git("https://example.com/shop"))
	r.woken()
	reader := r.only(shop, access.AppRead, access.ReleaseRead, access.VariableRead)
	if _, err := r.App(reader, shop.Target()); err != nil {
		t.Error(err)
	}
	name := "renamed"
	_, changed := r.ChangeApp(t.Context(), reader, shop.Target(), AppChange{Name: &name})
	_, set := r.ChangeVariables(t.Context(), reader, shop.Target(), VariableChange{Unset: []string{"A"}})
	_, deployed := r.Deploy(t.Context(), reader, shop.Target(), DeployFrom{})
	for what, err := range map[string]error{
		"rename": changed, "set": set, "deploy": deployed,
		"delete": r.DeleteApp(t.Context(), reader, "shop", nil),
	} {
		fails(t, what, err, paas.Forbidden, "")
	}
	r.wokenFor()
}
