package deploy

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	keptLogs    = 200                 // of the newest deployments of a target
	keptLogsFor = 30 * 24 * time.Hour // at least
	retainEvery = time.Hour           // old logs are looked for at most that often
)

// deployments tells which deployments a log can be of.
type deployments interface {
	Deployment(id string) (paas.Deployment, error)
	Deployments(target paas.Target, limit int) ([]paas.Deployment, error)
}

// retain removes the logs of deployments that are neither recent nor among the newest of their target.
func (l *logs) retain(of deployments) error {
	l.mu.Lock()
	due := time.Since(l.kept) >= retainEvery
	if due {
		l.kept = time.Now()
	}
	l.mu.Unlock()
	if !due {
		return nil
	}
	old, err := l.olderThan(time.Now().Add(-keptLogsFor))
	if err != nil {
		return err
	}
	newest := map[paas.Target]map[string]bool{}
	var errs []error
	for _, id := range old {
		keep, err := amongNewest(of, id, newest)
		if err == nil && !keep {
			err = l.remove(id)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// olderThan lists the deployments whose logs were last written before t.
func (l *logs) olderThan(t time.Time) ([]string, error) {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("list deployment logs: %w", err)
	}
	var out []string
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), logSuffix)
		if !ok || !paas.IsID("dep", id) {
			continue // the edge's log is here, too
		}
		info, err := e.Info()
		if err == nil && info.ModTime().Before(t) {
			out = append(out, id)
		}
	}
	return out, nil
}

// amongNewest fills newest with the targets that it looks at.
func amongNewest(of deployments, id string, newest map[paas.Target]map[string]bool) (bool, error) {
	dep, err := of.Deployment(id)
	if paas.IsKind(err, paas.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	target := paas.Target{App: dep.App, Environment: dep.Environment}
	if newest[target] == nil {
		all, err := of.Deployments(target, keptLogs)
		if err != nil {
			return false, err
		}
		newest[target] = map[string]bool{}
		for _, d := range all {
			newest[target][d.ID] = true
		}
	}
	return newest[target][id], nil
}
