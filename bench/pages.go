package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/api"
)

const (
	homeLimit        = 30  // milliseconds
	homeWireLimit    = 60  // kB
	appLimit         = 30  // milliseconds
	appWireLimit     = 100 // kB
	openCPULimit     = 0.3 // percent of a core, everything that control and edge do included
	openWireLimit    = 1   // kB a minute and page
	changeLimit      = 1   // seconds
	loads            = 100 // of each page
	warmUp           = 5
	shortestWatch    = time.Minute     // of open pages: what comes once a minute counts
	openPatience     = 3 * time.Minute // until all pages are open: poor servers never get there
	changePatience   = 30 * time.Second
	pagesData        = "pages" // directory of the seeded installation
	bytesPerKilobyte = 1000
)

// pages measures the dashboard of an installation with many apps: what loading a page costs, and what open ones do.
func (s *session) pages(ctx context.Context) (rows []row, err error) {
	w, long, err := s.seeded(ctx)
	if err != nil {
		return nil, err
	}
	b, err := w.signIn(ctx)
	if err != nil {
		return nil, err
	}
	apps := fmt.Sprintf("%d apps", s.opts.Apps)
	home, rows, err := s.loading(ctx, w, b, "/", "home page with "+apps, homeLimit, homeWireLimit)
	if err != nil {
		return rows, err
	}
	of := fmt.Sprintf(" of an app with %d deployments and %d variables", long.deployments, long.variables)
	for _, page := range []struct{ what, path string }{{"overview", ""}, {"versions", "/versions"}, {"variables", "/variables"}} {
		_, more, err := s.loading(ctx, w, b, "/apps/"+long.name+page.path, page.what+of, appLimit, appWireLimit)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	more, err := s.watched(ctx, w, b, appsOn(home))
	return append(rows, more...), errors.Join(err, s.leave(ctx))
}

// seeded starts an installation that has many apps already.
func (s *session) seeded(ctx context.Context) (*world, longApp, error) {
	if err := s.leave(ctx); err != nil {
		return nil, longApp{}, err
	}
	w, err := newWorld(s.program, filepath.Join(s.dir, pagesData), s.opts)
	if err != nil {
		return nil, longApp{}, err
	}
	s.say("writing %d apps", s.opts.Apps+1)
	long, err := seed(ctx, w.data, s.opts.Apps, longHistory, manyVariables)
	if err != nil {
		return nil, long, fmt.Errorf("write apps: %w", err)
	}
	if long.variables < manyVariables {
		s.say("  an app cannot have %d variables: the longest has %d", manyVariables, long.variables)
	}
	s.world = w // from here on there is something to remove
	if err := w.start(ctx); err != nil {
		return nil, long, err
	}
	return w, long, w.ready(ctx, s.say)
}

// loading loads a page again and again, and returns its last content. The processor time that it takes is told beside the time that
// passes: it is the same on a machine that is busy otherwise.
func (s *session) loading(ctx context.Context, w *world, b *browser, where, what string, limit, wireLimit float64) (string, []row, error) {
	t := b.tab()
	defer t.close()
	for range warmUp {
		if _, err := t.visit(ctx, where); err != nil {
			return "", nil, err
		}
	}
	before, err := processorTime(w.pids())
	if err != nil {
		return "", nil, err
	}
	var took, wire sample
	var last visit
	for range loads {
		if last, err = t.visit(ctx, where); err != nil {
			return "", nil, err
		}
		took, wire = append(took, 1000*last.took.Seconds()), append(wire, float64(last.wire)/bytesPerKilobyte)
	}
	after, err := processorTime(w.pids())
	if err != nil {
		return "", nil, err
	}
	note := fmt.Sprintf("median %.1f ms, %.1f ms of processor time", took.median(), 1000*(after-before).Seconds()/loads)
	s.say("  %s: p95 %.0f ms, %s, %.1f kB", what, took.percentile(95), note, wire.median())
	return last.html, []row{
		slow(what+", p95", milliseconds, limit, took, note),
		worst("the same on the wire, gzip", kilobytes, wireLimit, wire, ""),
	}, nil
}

var appLink = regexp.MustCompile(`href="/apps/([a-z0-9-]+)"`)

// appsOn are the apps that a page links to, in its order.
func appsOn(html string) []string {
	var names []string
	for _, m := range appLink.FindAllStringSubmatch(html, -1) {
		if !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	return names
}

// watched measures what open pages cost while nothing changes, and how fast they tell of a change. Half of them are home pages, the
// others pages of as many apps.
func (s *session) watched(ctx context.Context, w *world, b *browser, apps []string) ([]row, error) {
	apps = slices.DeleteFunc(apps, func(name string) bool { return !strings.HasPrefix(name, "site-") })
	if len(apps) < s.opts.Open/2 {
		return nil, fmt.Errorf("the home page names %d apps, too few to open the pages of", len(apps))
	}
	s.say("  waiting %s for it to settle, then watching for %s without and with open pages", words(s.opts.Settle), words(s.watch()))
	if err := pause(ctx, s.opts.Settle); err != nil {
		return nil, err
	}
	alone, err := w.busy(ctx, s.watch())
	if err != nil {
		return nil, err
	}
	homes, others, err := s.openPages(ctx, b, apps)
	defer func() { homes.close(); others.close() }()
	if err != nil {
		return nil, err
	}
	rows, err := s.resting(ctx, w, slices.Concat(homes, others), alone)
	if err != nil {
		return rows, err
	}
	changes, err := s.changes(ctx, w, homes, others, apps)
	return append(rows, changes...), err
}

// openPages also returns the pages that are open already when it fails.
func (s *session) openPages(ctx context.Context, b *browser, apps []string) (homes, others livePages, err error) {
	late := time.Now().Add(openPatience)
	for n := range s.opts.Open {
		where, group := "/", &homes
		if n%2 == 1 {
			where, group = "/apps/"+apps[n/2], &others
		}
		p, err := b.look(ctx, where, time.Until(late))
		if err != nil {
			return homes, others, fmt.Errorf("open page %d of %d: %w", n+1, s.opts.Open, err)
		}
		*group = append(*group, p)
	}
	return homes, others, nil
}

// resting measures open pages while nothing is committed.
func (s *session) resting(ctx context.Context, w *world, open livePages, alone float64) ([]row, error) {
	if err := pause(ctx, 10*time.Second); err != nil { // what a page gets when it opens is part of loading it
		return nil, err
	}
	before := open.wire()
	cpu, err := w.busy(ctx, s.watch())
	if err != nil {
		return nil, err
	}
	var wire sample
	for i, n := range open.wire() {
		wire = append(wire, float64(n-before[i])/bytesPerKilobyte/s.watch().Minutes())
	}
	for _, p := range open {
		if err := p.alive(); err != nil {
			return nil, err
		}
	}
	return []row{
		whole(fmt.Sprintf("%d open pages, nothing committed, processor time of control and edge in %s, of one core", len(open), words(s.watch())),
			percent, openCPULimit, sample{cpu}, fmt.Sprintf("%.2f %% without a page", alone)),
		worst("the same, on the wire, each in a minute", kilobytes, openWireLimit, wire, fmt.Sprintf("median %.2f kB", wire.median())),
	}, nil
}

func (s *session) watch() time.Duration { return max(s.opts.Idle, shortestWatch) }

// changes renames apps one after the other: the home pages must tell of it, and the app's own page. That the former do is measured also
// when the latter does not.
func (s *session) changes(ctx context.Context, w *world, homes, others livePages, apps []string) ([]row, error) {
	control, err := w.client()
	if err != nil {
		return nil, err
	}
	var onHomes, onOwn sample
	var lost error
	for n := range min(s.opts.Runs, len(others)) {
		name, renamed := apps[n], apps[n]+"-renamed"
		rename := func() error {
			_, err := control.UpdateApp(ctx, name, "", api.UpdateApp{Name: &renamed})
			return err
		}
		home := func() error {
			d, err := homes.show(ctx, renamed, rename)
			onHomes = append(onHomes, d.Seconds())
			return err
		}
		var homeErr error
		d, err := others[n:n+1].show(ctx, renamed, func() error { homeErr = home(); return homeErr })
		if homeErr != nil {
			return nil, homeErr
		}
		if err != nil {
			lost = err
		} else {
			onOwn = append(onOwn, d.Seconds())
		}
		if err := pause(ctx, apart); err != nil {
			return nil, err
		}
	}
	rows := []row{worst("a renamed app, from the call until all open home pages were told", seconds, changeLimit, onHomes, "")}
	if lost != nil {
		return rows, lost
	}
	return append(rows, worst("the same until the app's own page was told", seconds, changeLimit, onOwn, "")), nil
}
