package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

const maxDomains = 100

// AppEnvironment of an app in an environment.
func (t *Tx) AppEnvironment(target paas.Target) (paas.AppEnvironment, error) {
	p, ok, err := find[paas.AppEnvironment](t, appEnvironmentBucket, targetKey(target))
	if err == nil && !ok {
		err = notFound("app in this environment", target.App)
	}
	return p, err
}

// AppEnvironments of all apps in all environments.
func (t *Tx) AppEnvironments() ([]paas.AppEnvironment, error) {
	return byAge[paas.AppEnvironment](t, appEnvironmentBucket)
}

// AppEnvironmentsOf an app, in the order in which it was put into them.
func (t *Tx) AppEnvironmentsOf(app string) ([]paas.AppEnvironment, error) {
	all, err := t.AppEnvironments()
	all = slices.DeleteFunc(all, func(p paas.AppEnvironment) bool { return p.App != app })
	return all, err
}

// UpdateAppEnvironment changes the settings of an app in an environment; fn must not change the rest: what is live, numbers, the target. A
// domain is a host name that no other target has (Conflict); it is kept in lower case.
func (t *Tx) UpdateAppEnvironment(target paas.Target, fn func(*paas.AppEnvironment) error) error {
	old, err := t.AppEnvironment(target)
	if err != nil {
		return err
	}
	p := old.Clone()
	if err := fn(&p); err != nil {
		return err
	}
	if p.Target != old.Target || !slices.Equal(p.Traffic, old.Traffic) || p.LastNumber != old.LastNumber || p.VarsVersion != old.VarsVersion || p.Life != old.Life {
		return paas.Invalidf("", "", "only settings can change here")
	}
	if err := checkAppEnvironment(&p); err != nil {
		return err
	}
	before, after := changedSettings(settingsIn(old), settingsIn(p))
	if len(after) == 0 {
		return nil
	}
	if err := t.moveHosts(target, old.Domains, p.Domains); err != nil {
		return err
	}
	at, err := t.PathIn(target)
	if err != nil {
		return err
	}
	if err := t.put(appEnvironmentBucket, targetKey(target), p); err != nil {
		return err
	}
	return t.changedEvent(paas.EventAppEnvironmentUpdated, target.App, at, before, after)
}

// settingsIn names the settings of an app environment as events tell of them.
func settingsIn(p paas.AppEnvironment) map[string]string {
	out := map[string]string{
		"branch": p.Branch, "limits": sizeOf(p.Limits), "health_path": p.Health.Path, "domains": strings.Join(p.Domains, " "),
		"drain": notZero(p.Drain), "auto_deploy": notZero(p.AutoDeploy), "lock": notZero(p.Lock), "sleep": notZero(p.Sleep),
	}
	for process, s := range p.Processes {
		out["copies."+process], out["command."+process], out["limits."+process] = fmt.Sprint(s.Copies), s.Command, sizeOf(s.Limits)
		out["follow."+process], out["grace."+process] = notZero([2]int{s.Min, s.Max}), notZero(s.Grace)
	}
	for i, m := range p.Mounts {
		out[fmt.Sprintf("mount.%d", i+1)] = fmt.Sprintf("%+v", m)
	}
	return out
}

func sizeOf(l paas.Limits) string {
	if l == (paas.Limits{}) {
		return ""
	}
	return fmt.Sprintf("%d MB, %g CPUs, %d PIDs", l.MemoryMB, l.CPUs, l.PIDs)
}

// notZero is v as text, "" for the zero value.
func notZero[T comparable](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return fmt.Sprintf("%+v", v)
}

// checkAppEnvironment also puts the domains into the form that they are kept in.
func checkAppEnvironment(p *paas.AppEnvironment) error {
	if err := p.Validate(paas.Machine{}); err != nil {
		return err
	}
	if len(p.Domains) > maxDomains {
		return paas.Invalidf("domains", "", "an app can have at most %d domains", maxDomains)
	}
	var hosts []string
	for _, d := range p.Domains {
		host := paas.NormalHost(d)
		if err := paas.CheckHost(host); err != nil {
			return err
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	p.Domains = hosts
	return nil
}
