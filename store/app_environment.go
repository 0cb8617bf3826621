package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxDomains = 100
	maxCopies  = 20
)

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
	return list[paas.AppEnvironment](t, appEnvironmentBucket, "")
}

// AppEnvironmentsOf an app, in the order of its environments' ages.
func (t *Tx) AppEnvironmentsOf(app string) ([]paas.AppEnvironment, error) {
	all, err := t.AppEnvironments()
	return slices.DeleteFunc(all, func(p paas.AppEnvironment) bool { return p.App != app }), err
}

// UpdateAppEnvironment changes Limits, Scale and Domains; fn must not change the rest. A domain is a host name that no other target has
// (Conflict); it is kept in lower case.
func (t *Tx) UpdateAppEnvironment(target paas.Target, fn func(*paas.AppEnvironment) error) error {
	old, err := t.AppEnvironment(target)
	if err != nil {
		return err
	}
	p := old
	p.Scale, p.Domains = maps.Clone(old.Scale), slices.Clone(old.Domains)
	if err := fn(&p); err != nil {
		return err
	}
	if p.Target != old.Target || p.Live != old.Live || p.LastNumber != old.LastNumber || p.VarsVersion != old.VarsVersion {
		return paas.Invalidf("", "", "only limits, scale and domains can change here")
	}
	if err := checkAppEnvironment(&p); err != nil {
		return err
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
	return t.event(paas.AppEnvironmentUpdated{
		Environment: target.Environment,
		Domains:     strings.Join(p.Domains, " "),
		Limits:      fmt.Sprintf("%+v", p.Limits),
		Scale:       fmt.Sprint(p.Scale),
	}, target.App, at)
}

// checkAppEnvironment also puts the domains into the form that they are kept in.
func checkAppEnvironment(p *paas.AppEnvironment) error {
	if p.Limits.MemoryMB < 0 || p.Limits.CPUs < 0 || p.Limits.PIDs < 0 {
		return paas.Invalidf("limits", "0 takes the default", "a limit cannot be negative")
	}
	for process, n := range p.Scale {
		if n < 0 || n > maxCopies || process == "" || len(process) > 63 {
			return paas.Invalidf("scale", fmt.Sprintf("choose between 0 and %d", maxCopies), "%q cannot have %d copies", paas.Clip(process, 63), n)
		}
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
