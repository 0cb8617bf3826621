package runtimes

import (
	"context"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/paas"
)

// resolve picks the highest release that fits. What is installed already counts when no list can be had.
func (c *Cache) resolve(ctx context.Context, p provider, w paas.Runtime, nodeVersion string) (release, error) {
	text := w.Constraint
	if text == "" {
		text = kinds[w.Name].fallback
	}
	want, err := parseConstraint(text)
	if err != nil {
		return release{}, badConstraint(w, err)
	}
	list, err := c.releases(ctx, p, w.Name, indexFresh)
	if err != nil {
		if r, ok := pick(asReleases(c.installed(w.Name)), want, ""); ok {
			c.log.Warn("an installed runtime is used: no list of versions could be had", "runtime", w.Name, "version", r.Version, "err", err)
			return r, nil
		}
		return release{}, err
	}
	if r, ok := pick(list, want, nodeVersion); ok {
		return r, nil
	}
	if list, err = c.releases(ctx, p, w.Name, indexRecheck); err != nil { // it may have been released since
		return release{}, err
	}
	if r, ok := pick(list, want, nodeVersion); ok {
		return r, nil
	}
	newest, _ := pick(list, anything, "")
	return release{}, &paas.Error{
		Kind: paas.Failed,
		Msg:  fmt.Sprintf("there is no version of %s that fits %q%s", title(w.Name), paas.Clip(w.Constraint, 60), in(w.File)),
		Hint: fmt.Sprintf("ask for one that exists, such as %s", newest.Version),
	}
}

// pick finds the highest version that fits, of those that say they run on this Node if there are any.
func pick(list []release, want *semver.Constraints, nodeVersion string) (best release, ok bool) {
	on, err := semver.NewVersion(nodeVersion)
	if err != nil {
		on = nil
	}
	var top *semver.Version
	topRuns := false
	for _, r := range list {
		v, err := semver.NewVersion(r.Version)
		if err != nil || v.Prerelease() != "" || !want.Check(v) {
			continue
		}
		runs := on == nil || runsOn(r, on)
		if top == nil || runs && !topRuns || runs == topRuns && v.GreaterThan(top) {
			best, top, topRuns = r, v, runs
		}
	}
	return best, top != nil
}

func runsOn(r release, node *semver.Version) bool {
	if r.Node == "" {
		return true
	}
	c, err := semver.NewConstraint(r.Node)
	return err != nil || c.Check(node)
}

var anything = mustConstraint("*")

func mustConstraint(s string) *semver.Constraints {
	c, err := semver.NewConstraint(s)
	if err != nil {
		panic(err)
	}
	return c
}

const maxConstraint = 200

func parseConstraint(text string) (*semver.Constraints, error) {
	if len(text) > maxConstraint {
		return nil, fmt.Errorf("longer than %d characters", maxConstraint)
	}
	return semver.NewConstraint(strings.TrimSpace(text))
}

func badConstraint(w paas.Runtime, err error) error {
	return &paas.Error{
		Kind: paas.Failed,
		Msg:  fmt.Sprintf("the version %q of %s%s cannot be understood", paas.Clip(w.Constraint, 60), title(w.Name), in(w.File)),
		Hint: `write a version such as "22", "22.3.1" or ">=20 <23"`,
		Err:  err,
	}
}

func in(file string) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf(" in %q", file)
}

func asReleases(versions []string) []release {
	list := make([]release, len(versions))
	for i, v := range versions {
		list[i].Version = v
	}
	return list
}
