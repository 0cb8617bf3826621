package store

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// schema1 is a database as an installation of schema 1 left it, with every noun in it: made once by the code of that time.
func schema1(t testing.TB) Options {
	t.Helper()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	must(t, os.WriteFile(key, got(os.ReadFile("testdata/schema1.key"))(t), 0o600))
	packed := got(os.Open("testdata/schema1.db.gz"))(t)
	defer packed.Close()
	raw := got(io.ReadAll(got(gzip.NewReader(packed))(t)))(t)
	o := Options{Path: filepath.Join(dir, "cloudsania.db"), Key: got(LoadKey(key))(t)}
	must(t, os.WriteFile(o.Path, raw, 0o600))
	at := time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return at }
	return o
}

// migrated is that database in the present schema, opened twice: nothing of the migration may happen again.
func migrated(t testing.TB) *Store {
	t.Helper()
	o := schema1(t)
	must(t, mustOpen(t, o).Close())
	s := mustOpen(t, o)
	must(t, s.Check())
	return s
}

func TestMigratedNounsHaveAnOrder(t *testing.T) {
	s := migrated(t)
	seen := map[uint64]string{}
	check := func(id string, l paas.Life) {
		if l.Seq == 0 || seen[l.Seq] != "" || !l.Deleted.IsZero() {
			t.Errorf("%s has %+v, as %q", id, l, seen[l.Seq])
		}
		seen[l.Seq] = id
	}
	must(t, s.View(func(tx *Tx) error {
		var names []string
		for _, a := range got(tx.Apps())(t) {
			names = append(names, a.Name)
			check(a.ID, a.Life)
			for _, b := range got(tx.Builds(a.ID))(t) {
				check(b.ID, b.Life)
			}
		}
		for _, p := range got(tx.Projects())(t) {
			check(p.ID, p.Life)
			for _, e := range got(tx.Environments(p.ID))(t) {
				if (e.Kind == paas.EnvironmentProduction) != (e.Name == paas.Production) || e.Kind == "" {
					t.Errorf("%+v", e)
				}
				check(e.ID, e.Life)
			}
		}
		if want := []string{"shop", "site", "api-server", "frontend", "site"}; !slices.Equal(names, want) {
			t.Errorf("the apps are in the order %v", names)
		}
		return nil
	}))
	insts := got(s.Instances(paas.Starting, paas.Live, paas.Draining, paas.Gone))(t)
	for _, i := range insts {
		check(i.ID, i.Life)
		if i.Ordinal < 1 || i.Ordinal > 2 || i.Kind != paas.KindInstance {
			t.Errorf("%s: %+v", i.Name(), i)
		}
	}
	if len(insts) != 12 {
		t.Errorf("%d instances", len(insts))
	}
	for _, u := range got(s.Users())(t) {
		check(u.ID, u.Life)
	}
}

func TestMigratedDeployments(t *testing.T) {
	s := migrated(t)
	app := got(s.FindApp("shop/shop"))(t)
	target := got(s.Target(app.ID, ""))(t)
	deps := got(s.Deployments(target, 0))(t)
	var kinds []paas.DeploymentKind
	var statuses []paas.Status
	for i, d := range deps {
		kinds, statuses = append(kinds, d.Kind), append(statuses, d.Status)
		if d.Seq == 0 || i > 0 && d.Seq >= deps[i-1].Seq {
			t.Errorf("%s has the number %d", d.ID, d.Seq)
		}
	}
	v, c, r := paas.DeployVersion, paas.DeployConfiguration, paas.DeployRollback
	if want := []paas.DeploymentKind{v, c, v, v, v, v, r, v, v}; !slices.Equal(kinds, want) {
		t.Errorf("%v", kinds)
	}
	want := []paas.Status{paas.Queued, paas.Running, paas.Superseded, paas.Interrupted, paas.StatusCancelled, paas.StatusFailed, paas.Succeeded, paas.Succeeded, paas.Succeeded}
	if !slices.Equal(statuses, want) {
		t.Errorf("%v", statuses)
	}
	if f := deps[5].Failure; f == nil || f.StillServing != "v3" || len(f.Lines) != 2 || deps[5].Step != paas.StepBuild {
		t.Errorf("%+v", deps[5])
	}
	must(t, s.FinishDeployment(deps[1].ID, paas.StatusFailed, nil))
	if left := got(s.Unfinished())(t); len(left) != 1 || left[0].ID != deps[0].ID {
		t.Errorf("%v", left)
	}
}

// The chain of schema 1 is verified by its own rule, its last hash is what the code of that time said, and it is found by more than then.
func TestMigratedEvents(t *testing.T) {
	s := migrated(t)
	r := got(s.VerifyEvents())(t)
	if !r.OK() || r.Events != 82 {
		t.Fatalf("%+v", r)
	}
	events := got(s.Events(EventFilter{Limit: 3}))(t)
	if e := events[0]; e.Action != "database.migrated" || e.Prev != "e0717ed9e9228fd5887a71b70c1bd20ebf9942df3e5b30b02c085f542bef4a9c" || e.Actor != paas.System {
		t.Errorf("%+v", e)
	}
	if e := events[2]; e.Action != "login.refused" || e.Actor.Name != "x\ufffd<y>" || e.Detail["address"] != "bad\ufffd&<>" {
		t.Errorf("%+v", e)
	}
	user := got(s.UserByEmail("anna@example.com"))(t)
	byAnna := got(s.Events(EventFilter{Actor: user.ID, Limit: 1000}))(t)
	app := got(s.FindApp("shop/shop"))(t)
	staging := got(s.Target(app.ID, "staging"))(t)
	there := got(s.Events(EventFilter{Path: paas.Path{Environment: staging.Environment}, Limit: 1000}))(t)
	if len(byAnna) < 40 || byAnna[0].Action != "user.updated" || len(there) < 5 || there[0].Path.App != app.ID {
		t.Errorf("%d events by Anna, %d in staging", len(byAnna), len(there))
	}
}

func TestMigratedPeople(t *testing.T) {
	s := migrated(t)
	users := got(s.Users())(t)
	if len(users) != 1 || users[0].Role != paas.Owner || users[0].Name != "Anna Schmidt" || !users[0].TOTP {
		t.Fatalf("%+v", users)
	}
	u := users[0]
	if secret := got(s.TOTPSecret(u.ID))(t); secret.Reveal() != "JBSWY3DPEHPK3PXP" {
		t.Error("the second factor was lost")
	}
	if got(s.UseTOTPStep(u.ID, 4711))(t) || !got(s.UseTOTPStep(u.ID, 4712))(t) {
		t.Error("a used code works again, or a fresh one does not")
	}
	must(t, s.View(func(tx *Tx) error {
		team := got(tx.teamPath())(t)
		if all := got(tx.Memberships(u.ID))(t); len(all) != 1 || all[0].Path != team || all[0].Role != paas.Owner || all[0].Seq == 0 {
			t.Errorf("%+v", all)
		}
		if roles := got(tx.Roles())(t); len(roles) != 1 || !roles[0].BuiltIn {
			t.Errorf("%+v", roles)
		}
		return nil
	}))
	session := got(s.Session("session-1"))(t)
	if !slices.Equal(session.How, []paas.Factor{paas.FactorPassword, paas.FactorTOTP}) || !session.Authenticated.Equal(session.Created) {
		t.Errorf("%+v", session)
	}
	ci := got(s.TokenByHash("token-ci"))(t)
	app := got(s.FindApp("shop/shop"))(t)
	if ci.Kind != paas.TokenPerson || ci.Scope != got(s.PathOf(app.ID))(t) || !slices.Equal(ci.Actions, []string{"app.deploy"}) || ci.CheckAddr("192.0.2.1") != nil {
		t.Errorf("%+v", ci)
	}
	if b, status, found, err := s.Idempotent("key-1", u.ID, "request-hash"); err == nil && found {
		t.Errorf("an answer of 30 days ago: %q %d", b, status)
	}
}

// What was the app's is each environment's now, and each release says by itself what runs.
func TestMigratedSettings(t *testing.T) {
	s := migrated(t)
	app := got(s.FindApp("shop/shop"))(t)
	if app.Source.Kind != paas.CodeBuiltIn || app.Build != (paas.AppBuild{Root: "web", BuildCommand: "npm run build"}) {
		t.Errorf("%+v", app)
	}
	site := got(s.FindApp("site/site"))(t)
	if site.Source.Kind != paas.CodeAddress || site.Source.URL != "https://git.example.com/site.git" {
		t.Errorf("%+v", site)
	}
	all := got(s.AppEnvironmentsOf(app.ID))(t)
	if len(all) != 2 || all[0].Seq == 0 || all[1].Seq <= all[0].Seq {
		t.Fatalf("%+v", all)
	}
	for _, p := range all {
		if p.Branch != "release" || p.Health.Path != "/healthz" || p.Process("web").Command != "node server.js" || len(p.Traffic) != 1 {
			t.Errorf("%+v", p)
		}
	}
	prod := all[0]
	if scale := prod.Scale(); scale["web"] != 2 || scale["cron"] != 0 || len(scale) != 2 || prod.Process("worker").Copies != 1 || prod.Process("cron").Copies != 0 {
		t.Errorf("%v", scale)
	}
	if prod.Limits != (paas.Limits{MemoryMB: 256, CPUs: 0.5, PIDs: 100}) || !slices.Equal(prod.Domains, []string{"shop.test", "www.shop.test"}) || prod.LastNumber != 4 {
		t.Errorf("%+v", prod)
	}
	releases := got(s.Releases(prod.Target))(t)
	if len(releases) != 4 || releases[1].ID != prod.Live() || releases[1].Note != "rollback to v1" {
		t.Fatalf("%+v", releases)
	}
	for _, r := range releases {
		live, ended := r.Number < 4, r.Number < 3
		if r.Image == "" || len(r.Processes) != 2 || r.Health.Path != "/healthz" || r.Seq == 0 || r.FirstLive.IsZero() == live || r.LastLive.IsZero() == ended {
			t.Errorf("%+v", r)
		}
	}
	if r := releases[3]; r.Commit != "1111111111111111111111111111111111111111" || r.Message != "first" || r.Command("web") != "" || r.Scale["web"] != 2 {
		t.Errorf("%+v", r)
	}
	vars := got(s.ReleaseVariables(releases[3].ID))(t)
	if len(vars) != 3 || vars[0].Name != "BYTES" || vars[0].Value.Reveal() != "a\xffb" {
		t.Errorf("%d variables", len(vars))
	}
	if table := got(s.Table())(t); len(table.Routes) != 6 || len(table.Draining) != 2 {
		t.Errorf("%+v", table)
	}
	if left := got(s.Removals())(t); len(left) != 1 || left[0].App.Name != "doomed" || len(left[0].Instances) != 1 {
		t.Errorf("%+v", left)
	}
}

func TestMigratedVariables(t *testing.T) {
	s := migrated(t)
	target := got(s.Target(got(s.FindApp("shop/shop"))(t).ID, ""))(t)
	vars := got(s.Variables(target))(t)
	if len(vars) != 3 || vars[0].Name != "DATABASE_URL" || vars[0].Value.Reveal() != "postgres://u:p@db/shop" || !vars[2].Build {
		t.Fatalf("%+v", vars)
	}
	must(t, s.SetVariables(anna, target, []paas.Variable{{Name: "NEW", Reference: paas.ServiceKey{Service: "svc_1", Key: "url"}}}, nil))
	must(t, s.View(func(tx *Tx) error {
		if keys := got(tx.keys(variablesBucket, path(targetKey(target), "")))(t); len(keys) != 2 {
			t.Errorf("%d versions", len(keys))
		}
		return nil
	}))
	if vars = got(s.Variables(target))(t); len(vars) != 4 || vars[3].Reference.Key != "url" && vars[2].Reference.Key != "url" {
		t.Errorf("%+v", vars)
	}
}
