package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	manyConnections = 16
	legTime         = 3 * time.Second
)

// edge compares the Node app through the edge with the same container asked directly, one after the other in one run: the ratio stays
// true on a machine that is busy otherwise.
func (s *session) edge(ctx context.Context) ([]row, error) {
	a, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	direct, err := a.w.upstream(nodeName)
	if err != nil {
		return nil, err
	}
	routes := []route{{direct, direct}, {a.w.addr(0), nodeName + ".localhost"}}
	var added, ratio, rate, slow sample
	var alone [2]sample
	for i := range s.opts.Runs {
		one, err := compare(ctx, routes, 1, i%2 == 1)
		if err != nil {
			return nil, err
		}
		many, err := compare(ctx, routes, manyConnections, i%2 == 1)
		if err != nil {
			return nil, err
		}
		added, ratio = append(added, one[1].p50-one[0].p50), append(ratio, 100*many[1].perSecond/many[0].perSecond)
		rate, slow = append(rate, many[1].perSecond), append(slow, many[1].p99)
		alone[0], alone[1] = append(alone[0], one[0].p50), append(alone[1], one[1].p50)
		s.say("  p50 %.2f ms direct, %.2f ms through the edge; %.0f and %.0f requests/s", one[0].p50, one[1].p50, many[0].perSecond, many[1].perSecond)
	}
	return []row{
		median("added by the edge to an answer of the Node app, p50 at one connection", milliseconds, 0, added,
			fmt.Sprintf("%.2f ms directly, %.2f ms through it", alone[0].median(), alone[1].median())),
		median(fmt.Sprintf("requests/s through the edge, of those directly, %d connections", manyConnections), percent, 0, ratio,
			fmt.Sprintf("%.0f/s, p99 %.1f ms, the load generator on the same cores", rate.median(), slow.median())),
	}, nil
}

// route is a way to the app.
type route struct{ addr, host string }

// compare drives both ways; which goes first alternates, so that neither has the warmer machine.
func compare(ctx context.Context, ways []route, connections int, swapped bool) (legs [2]leg, err error) {
	order := [2]int{0, 1}
	if swapped {
		order = [2]int{1, 0}
	}
	for _, i := range order {
		if legs[i], err = drive(ctx, ways[i].addr, ways[i].host, connections, legTime); err != nil {
			return legs, err
		}
	}
	return legs, nil
}

// upstream is the address of an app's container, as the edge was told.
func (w *world) upstream(app string) (string, error) {
	b, err := os.ReadFile(filepath.Join(w.data, "edge", "table.json"))
	if err != nil {
		return "", fmt.Errorf("read the edge's table: %w", err)
	}
	var file struct{ Body paas.Table }
	if err := json.Unmarshal(b, &file); err != nil {
		return "", fmt.Errorf("read the edge's table: %w", err)
	}
	for _, r := range file.Body.Routes {
		if r.Name == app && len(r.Upstreams) > 0 && r.Upstreams[0].Addr.IsValid() {
			return r.Upstreams[0].Addr.String(), nil
		}
	}
	return "", fmt.Errorf("the edge's table has no address of %s", app)
}
