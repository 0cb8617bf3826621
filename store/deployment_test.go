package store

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestDeploymentFromQueueToEnd(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "A", Value: paas.NewSecret("one")}}, nil))
	dep, rel := w.begun(t)
	if rel.Number != 1 || rel.Actor != anna || strings.Join(rel.VariableNames, " ") != "A" {
		t.Fatalf("%+v", rel)
	}
	for _, step := range []paas.Step{paas.StepStart, paas.StepStart, paas.StepHealth} {
		must(t, s.RecordStep(dep.ID, step))
	}
	web, worker := w.started(t, dep.ID, "web"), w.started(t, dep.ID, "worker")
	if table := got(s.Table())(t); len(table.Routes) != 1 || len(table.Routes[0].Upstreams) != 0 {
		t.Fatalf("traffic before the switch: %+v", table)
	}
	before := got(s.Table())(t).Generation
	generation := got(s.Activate(dep.ID, []string{web.ID, worker.ID}))(t)
	if again := got(s.Activate(dep.ID, []string{web.ID, worker.ID}))(t); again != generation || generation <= before {
		t.Fatalf("generations %d, %d, %d", before, generation, again)
	}
	table := got(s.Table())(t)
	r := table.Routes[0]
	if table.Generation != generation || r.Release != 1 || r.Name != "shop" || strings.Join(r.Hosts, " ") != "shop.example.com" ||
		len(r.Upstreams) != 1 || r.Upstreams[0].Addr != netip.AddrPortFrom(web.Addr, 8080) || r.Upstreams[0].Instance != web.ID {
		t.Fatalf("%+v", table)
	}
	must(t, s.FinishDeployment(dep.ID, paas.Succeeded, nil))
	must(t, s.FinishDeployment(dep.ID, paas.Succeeded, nil))
	if err := s.FinishDeployment(dep.ID, paas.StatusFailed, nil); !errors.Is(err, ErrFinished) {
		t.Fatalf("got %v", err)
	}
	dep = got(s.Deployment(dep.ID))(t)
	var steps []string
	for _, st := range dep.Steps {
		steps = append(steps, string(st.Step))
	}
	if strings.Join(steps, " ") != "queued start health switch done" || dep.Status != paas.Succeeded || dep.Number != 1 || dep.Ended.IsZero() || dep.Generation != generation {
		t.Fatalf("%v %+v", steps, dep)
	}
	if p := got(s.AppEnvironment(w.target))(t); p.Live() != rel.ID || p.LastNumber != 1 {
		t.Fatalf("%+v", p)
	}
	var actions []string
	for _, e := range got(s.Events(EventFilter{Subject: dep.ID}))(t) {
		actions = append(actions, string(e.Action))
	}
	if strings.Join(actions, " ") != "deployment.succeeded deployment.switched deployment.started deployment.queued" {
		t.Fatalf("%v", actions)
	}
}

func TestSwitchDrainsTheOldOnes(t *testing.T) {
	s := opened(t)
	w, other := newSite(t, s, "shop"), newSite(t, s, "other")
	_, bystander := other.deploy(t)
	_, old := w.deploy(t)
	dep, now := w.deploy(t)
	old = got(s.Instance(old.ID))(t)
	if old.State != paas.Draining || old.DrainGeneration != dep.Generation || old.DrainedFrom.IsZero() || now.State != paas.Live {
		t.Fatalf("%+v\n%+v", old, now)
	}
	if old.Addr == now.Addr {
		t.Fatal("an address that is still in use was handed out")
	}
	if got(s.Instance(bystander.ID))(t).State != paas.Live {
		t.Fatal("another app's instance drains")
	}
	table := got(s.Table())(t)
	if len(table.Draining) != 1 || table.Draining[0] != old.ID {
		t.Fatalf("%+v", table.Draining)
	}
	must(t, s.InstanceGone(old.ID))
	must(t, s.InstanceGone(old.ID))
	if after := got(s.Table())(t); len(after.Draining) != 0 || after.Generation != table.Generation+1 {
		t.Fatalf("%+v", after)
	}
	wantKind(t, s.UpdateInstance(old.ID, func(i *paas.Instance) error { i.State = paas.Live; return nil }), paas.Conflict)
	if all := got(s.InstancesOf(w.target))(t); len(all) != 1 || all[0].ID != now.ID {
		t.Fatalf("%+v", all)
	}
	if all := got(s.Instances())(t); len(all) != 2 {
		t.Fatalf("%d instances", len(all))
	}
	if all := got(s.Instances(paas.Gone))(t); len(all) != 1 {
		t.Fatalf("%d are gone", len(all))
	}
}

func TestNewestWaitingOneWins(t *testing.T) {
	s := opened(t)
	w, other := newSite(t, s, "shop"), newSite(t, s, "other")
	queue := func(w site) (string, []string) {
		dep, superseded, err := s.QueueDeployment(anna, w.target, paas.Source{Kind: paas.SourceGit})
		must(t, err)
		return dep.ID, superseded
	}
	running, _ := queue(w)
	must(t, s.BeginDeployment(running))
	elsewhere, _ := queue(other)
	first, superseded := queue(w)
	if len(superseded) != 0 {
		t.Fatalf("a running one was superseded: %v", superseded)
	}
	second, superseded := queue(w)
	if len(superseded) != 1 || superseded[0] != first {
		t.Fatalf("%v", superseded)
	}
	if err := s.BeginDeployment(first); !errors.Is(err, ErrFinished) {
		t.Fatalf("got %v", err)
	}
	if dep := got(s.Deployment(first))(t); dep.Status != paas.Superseded || dep.Ended.IsZero() {
		t.Fatalf("%+v", dep)
	}
	var open []string
	for _, dep := range got(s.Unfinished())(t) {
		open = append(open, dep.ID)
	}
	if strings.Join(open, " ") != strings.Join([]string{running, elsewhere, second}, " ") {
		t.Fatalf("unfinished, oldest first: %v", open)
	}
	newest := got(s.Deployments(w.target, 2))(t)
	if len(newest) != 2 || newest[0].ID != second || newest[1].ID != first {
		t.Fatal("not the newest first")
	}
}

// After a crash a running deployment is begun again: what it recorded is still there, and is not made twice.
func TestResumedDeploymentRepeatsNothing(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "shop")
	dep, rel := w.begun(t)
	must(t, s.RecordStep(dep.ID, paas.StepStart))
	must(t, s.Close())

	s = mustOpen(t, o)
	must(t, s.BeginDeployment(dep.ID))
	resumed := got(s.Deployment(dep.ID))(t)
	if resumed.Release != rel.ID || resumed.Build == "" || resumed.Status != paas.Running || resumed.Step != paas.StepQueued || len(resumed.Steps) != 3 {
		t.Fatalf("%+v", resumed)
	}
	if again := got(s.MakeRelease(dep.ID, ReleaseFrom{Build: rel.Build}))(t); again.ID != rel.ID {
		t.Fatal("a second release was made")
	}
	if p := got(s.AppEnvironment(w.target))(t); p.LastNumber != 1 {
		t.Fatalf("%d releases", p.LastNumber)
	}
}

func TestRollbackTakesTheOlderConfiguration(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	set := func(value string, mb int) {
		must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "A", Value: paas.NewSecret(value)}}, nil))
		must(t, s.UpdateAppEnvironment(anna, w.target, func(p *paas.AppEnvironment) error { p.Limits.MemoryMB = mb; return nil }))
	}
	set("one", 100)
	w.deploy(t)
	set("two", 200)
	w.deploy(t)
	set("three", 300)
	first := got(s.ReleaseNumber(w.target, 1))(t)

	dep, _, err := s.QueueDeployment(anna, w.target, paas.Source{Kind: paas.SourceRollback, Build: first.Build, Release: first.ID})
	must(t, err)
	must(t, s.BeginDeployment(dep.ID))
	back := got(s.MakeRelease(dep.ID, ReleaseFrom{Build: first.Build, Release: first.ID}))(t)
	if back.Number != 3 || back.Limits.MemoryMB != 100 || back.Note != "rollback to v1" || back.Build != first.Build {
		t.Fatalf("%+v", back)
	}
	for n, want := range map[int]string{1: "one", 2: "two", 3: "one"} {
		rel := got(s.ReleaseNumber(w.target, n))(t)
		if vars := got(s.ReleaseVariables(rel.ID))(t); vars[0].Value.Reveal() != want {
			t.Errorf("v%d has %q", n, vars[0].Value.Reveal())
		}
	}
	if vars := got(s.Variables(w.target))(t); vars[0].Value.Reveal() != "three" {
		t.Fatal("a rollback changed the present variables")
	}
	if all := got(s.Releases(w.target))(t); len(all) != 3 || all[0].Number != 3 || all[2].Number != 1 {
		t.Fatal("releases are not the newest first")
	}
	_, err = s.ReleaseNumber(w.target, 4)
	wantKind(t, err, paas.NotFound)
	_, err = s.ReleaseNumber(w.target, -1)
	wantKind(t, err, paas.NotFound)
}

// A release of one target must never take the variables of another one.
func TestReleaseKeepsToItsTarget(t *testing.T) {
	s := opened(t)
	a, b := newSite(t, s, "a"), newSite(t, s, "b")
	must(t, s.SetVariables(anna, a.target, []paas.Variable{{Name: "A", Value: paas.NewSecret("of a")}}, nil))
	_, relA := a.begun(t)
	dep, _, err := s.QueueDeployment(anna, b.target, paas.Source{})
	must(t, err)
	must(t, s.BeginDeployment(dep.ID))
	if _, err := s.MakeRelease(dep.ID, ReleaseFrom{Build: relA.Build}); err == nil {
		t.Fatal("a build of another app was released")
	}
	own := paas.Build{ID: paas.NewID("bld"), App: b.app.ID}
	if err := s.RecordBuild(dep.ID, paas.Build{ID: relA.Build, App: a.app.ID}); err == nil {
		t.Fatal("a build of another app was recorded")
	}
	must(t, s.RecordBuild(dep.ID, own))
	if _, err := s.MakeRelease(dep.ID, ReleaseFrom{Build: own.ID, Release: relA.ID}); err == nil {
		t.Fatal("the variables of another app were released")
	}
}

func TestActivateRefusesOthersInstances(t *testing.T) {
	s := opened(t)
	w, other := newSite(t, s, "shop"), newSite(t, s, "other")
	_, old := w.deploy(t)
	failed, _ := w.begun(t)
	leftover := w.started(t, failed.ID, "web")
	must(t, s.FinishDeployment(failed.ID, paas.StatusFailed, nil))
	dep, _ := w.begun(t)
	odep, _ := other.begun(t)
	foreign := other.started(t, odep.ID, "web")
	mine := w.started(t, dep.ID, "web")
	gone := w.started(t, dep.ID, "web")
	must(t, s.InstanceGone(gone.ID))
	for name, live := range map[string][]string{"none": nil, "another app's": {mine.ID, foreign.ID}, "an old one": {old.ID}, "a gone one": {mine.ID, gone.ID},
		"unknown": {"ins_x"}, "an earlier attempt's": {mine.ID, leftover.ID}} {
		if _, err := s.Activate(dep.ID, live); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if got(s.Instance(old.ID))(t).State != paas.Live || got(s.Deployment(dep.ID))(t).Generation != 0 {
		t.Fatal("a refused switch changed something")
	}
	got(s.Activate(dep.ID, []string{mine.ID}))(t)
}

func TestFailureIsKeptWithinBounds(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	dep, _ := w.begun(t)
	lines := make([]string, maxFailureLines+50)
	for i := range lines {
		lines[i] = strings.Repeat("x", 3*maxLineRunes)
	}
	lines[len(lines)-1] = "why"
	must(t, s.FinishDeployment(dep.ID, paas.StatusFailed, &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild, Message: "m", Lines: lines}))
	f := got(s.Deployment(dep.ID))(t).Failure
	if len(f.Lines) != maxFailureLines || f.Lines[len(f.Lines)-1] != "why" || len([]rune(f.Lines[0])) != maxLineRunes || len(lines) != maxFailureLines+50 {
		t.Fatalf("%d lines", len(f.Lines))
	}
	if err := s.RecordStep(dep.ID, paas.StepStart); !errors.Is(err, ErrFinished) {
		t.Fatalf("got %v", err)
	}
	if err := s.FinishDeployment(dep.ID, paas.Running, nil); err == nil {
		t.Fatal("running is no end")
	}
	_, err := s.Deployment("dep_none")
	wantKind(t, err, paas.NotFound)
	_, _, err = s.QueueDeployment(anna, paas.Target{App: w.app.ID, Environment: "env_none"}, paas.Source{})
	wantKind(t, err, paas.NotFound)
}

func TestStepsNeedABegunDeployment(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	dep, _, err := s.QueueDeployment(anna, w.target, paas.Source{})
	must(t, err)
	wantKind(t, s.RecordStep(dep.ID, paas.StepBuild), paas.Conflict)
	_, err = s.NewInstance(dep.ID, "web")
	wantKind(t, err, paas.Conflict)
	must(t, s.FinishDeployment(dep.ID, paas.StatusCancelled, nil))
}

func TestBuilds(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	w.deploy(t)
	w.deploy(t)
	all := got(s.Builds(w.app.ID))(t)
	if len(all) != 2 {
		t.Fatalf("%d builds", len(all))
	}
	live := got(s.ReleaseNumber(w.target, 2))(t).Build
	if all[0].ID != live {
		t.Fatal("not the newest first")
	}
	wantKind(t, s.RemoveBuild(live), paas.Conflict)
	must(t, s.RemoveBuild(all[1].ID))
	must(t, s.RemoveBuild(all[1].ID))
	_, err := s.Build(all[1].ID)
	wantKind(t, err, paas.NotFound)
	if all := got(s.Builds(w.app.ID))(t); len(all) != 1 {
		t.Fatalf("%d builds", len(all))
	}
}

// A push that waits, then a changed variable: both must go live, by one deployment.
func TestChangedConfigurationBringsTheCodeThatWaits(t *testing.T) {
	s := opened(t)
	w := newSite(t, s, "shop")
	queue := func(src paas.Source) paas.Deployment {
		dep, _, err := s.QueueDeployment(anna, w.target, src)
		must(t, err)
		return dep
	}
	config := paas.Source{Kind: paas.SourceConfig, Build: "bld_live"}
	both := paas.Intent{NewestSource: true, NewestConfiguration: true}
	if dep := queue(config); dep.Kind != paas.DeployConfiguration || dep.Intent != (paas.Intent{NewestConfiguration: true}) {
		t.Fatalf("%+v", dep)
	}
	push := queue(paas.Source{Kind: paas.SourceGit, Commit: "new"})
	if push.Kind != paas.DeployVersion || push.Intent != both {
		t.Fatalf("%+v", push)
	}
	for range 2 {
		if dep := queue(config); dep.Source.Commit != "new" || dep.Kind != paas.DeployVersion || dep.Intent != both || dep.Seq <= push.Seq {
			t.Fatalf("%+v", dep)
		}
	}
	if dep := queue(paas.Source{Kind: paas.SourceRollback, Release: "rel_1", Build: "bld_1"}); dep.Source.Release != "rel_1" || dep.Intent != (paas.Intent{}) {
		t.Fatalf("a rollback goes to what it names: %+v", dep)
	}
	if left := got(s.Unfinished())(t); len(left) != 1 {
		t.Fatalf("%d wait", len(left))
	}
}

// A release says by itself what runs, and when it was live.
func TestReleaseStandsAlone(t *testing.T) {
	s, c := timed(t)
	w := newSite(t, s, "shop")
	must(t, s.UpdateAppEnvironment(anna, w.target, func(p *paas.AppEnvironment) error {
		paas.BuildSettings{StartCommand: "node mine.js", HealthPath: "/up"}.Apply(p)
		p.SetProcess("web", func(s *paas.ProcessSettings) { s.Limits.MemoryMB = 64 })
		p.Limits = paas.Limits{MemoryMB: 128, CPUs: 2}
		return nil
	}))
	w.deploy(t)
	one := got(s.ReleaseNumber(w.target, 1))(t)
	if one.Image == "" || one.Command("web") != "node mine.js" || one.Command("worker") != "" || one.Health.Path != "/up" || one.Commit != "" {
		t.Fatalf("%+v", one)
	}
	if web, other := one.LimitsOf("web"), one.LimitsOf("worker"); web != (paas.Limits{MemoryMB: 64, CPUs: 2, PIDs: 512}) || other.MemoryMB != 128 {
		t.Errorf("%+v %+v", web, other)
	}
	first := c.now()
	c.add(time.Hour)
	w.deploy(t)
	one, two := got(s.ReleaseNumber(w.target, 1))(t), got(s.ReleaseNumber(w.target, 2))(t)
	if !one.FirstLive.Equal(first) || !one.LastLive.Equal(c.now()) || !two.FirstLive.Equal(c.now()) || !two.LastLive.IsZero() {
		t.Errorf("%v to %v, then %v to %v", one.FirstLive, one.LastLive, two.FirstLive, two.LastLive)
	}
	staging := got(s.AddToEnvironment(anna, w.app.ID, "staging", nil))(t)
	if p := got(s.AppEnvironment(staging))(t); w.app.BuildIn(p).StartCommand != "node mine.js" || p.Health.Path != "/up" || p.Limits != (paas.Limits{}) || p.Live() != "" {
		t.Errorf("another environment begins with %+v", p)
	}
}
