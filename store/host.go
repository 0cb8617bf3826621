package store

import (
	"errors"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// Host by name; NotFound when no app has it.
func (t *Tx) Host(name string) (paas.Host, error) {
	return get[paas.Host](t, hostBucket, paas.NormalHost(name))
}

// HostOwner is the target that answers at a host name; false when none does.
func (t *Tx) HostOwner(name string) (paas.Target, bool, error) {
	h, ok, err := find[paas.Host](t, hostBucket, paas.NormalHost(name))
	return h.Owner, ok, err
}

// hostsBy are the hosts of every target, in the order of their names; those that were generated come first.
func (t *Tx) hostsBy() (map[paas.Target][]string, error) {
	generated, own := map[paas.Target][]string{}, map[paas.Target][]string{}
	err := each(t, hostBucket, "", func(name string, h paas.Host) error {
		of := own
		if h.Kind == paas.HostGenerated {
			of = generated
		}
		of[h.Owner] = append(of[h.Owner], name)
		return nil
	})
	for target, names := range own {
		generated[target] = append(generated[target], names...)
	}
	return generated, err
}

// takeHost gives a host to the owner that it names. Conflict when another one has it; what the owner itself has stays as it is.
func (t *Tx) takeHost(h paas.Host) error {
	old, taken, err := find[paas.Host](t, hostBucket, h.Name)
	if err != nil {
		return err
	}
	if taken && old.Owner != h.Owner {
		return old.Taken()
	}
	if taken {
		return nil
	}
	if h.Life, err = t.born(); err != nil {
		return err
	}
	h.Created = t.now
	return t.put(hostBucket, h.Name, h)
}

// moveHosts gives the names in now to target as its own and releases those that are only in was. The edge's table changes with them.
func (t *Tx) moveHosts(target paas.Target, was, now []string) error {
	if slices.Equal(was, now) {
		return nil
	}
	keep := map[string]bool{}
	for _, name := range now {
		keep[name] = true
		if err := t.takeHost(paas.Host{Name: name, Owner: target, Kind: paas.HostOwn}); err != nil {
			return err
		}
	}
	for _, name := range was {
		h, ok, err := find[paas.Host](t, hostBucket, name)
		if err != nil {
			return err
		}
		if ok && !keep[name] && h.Kind != paas.HostGenerated {
			if err := t.delete(hostBucket, name); err != nil {
				return err
			}
		}
	}
	_, err := t.bump()
	return err
}

// dropHosts releases all hosts of target.
func (t *Tx) dropHosts(target paas.Target) error {
	all, err := t.hostsBy()
	for _, name := range all[target] {
		err = errors.Join(err, t.delete(hostBucket, name))
	}
	return err
}

// generateHosts makes the generated hosts of the targets anew, after a change of names or of the base domain. A name that another app was
// given as its own domain stays there: taken is asked what to make of the Conflict.
func (t *Tx) generateHosts(targets []paas.AppEnvironment, taken func(error) error) error {
	mine := map[paas.Target]bool{}
	for _, p := range targets {
		mine[p.Target] = true
	}
	var old []string
	err := each(t, hostBucket, "", func(name string, h paas.Host) error {
		if mine[h.Owner] && h.Kind == paas.HostGenerated {
			old = append(old, name)
		}
		return nil
	})
	for _, name := range old {
		err = errors.Join(err, t.delete(hostBucket, name))
	}
	if err != nil {
		return err
	}
	for _, p := range targets {
		h, err := t.generatedHost(p.Target)
		if err != nil || h.Name == "" {
			return err
		}
		if err := t.takeHost(h); paas.IsKind(err, paas.Conflict) {
			err = taken(err)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		for _, name := range p.Domains { // one that was generated until now
			if err := t.takeHost(paas.Host{Name: name, Owner: p.Target, Kind: paas.HostOwn}); err != nil {
				return err
			}
		}
	}
	return nil
}

// generatedHost is the host that an app has of itself in an environment; without a name while there is no base domain.
func (t *Tx) generatedHost(target paas.Target) (paas.Host, error) {
	settings, err := t.Settings()
	if err != nil || settings.Domain == "" {
		return paas.Host{}, err
	}
	a, err := t.App(target.App)
	if err != nil {
		return paas.Host{}, err
	}
	project, err := t.Project(a.Project)
	if err != nil {
		return paas.Host{}, err
	}
	env, err := t.Environment(target.Environment)
	name := paas.NormalHost(paas.Site{Domain: settings.Domain}.Host(a, project, env))
	return paas.Host{Name: name, Owner: target, Kind: paas.HostGenerated, Verified: t.now}, err
}

// nameTakenAs is the answer to a name whose generated host is another app's domain.
func nameTakenAs(err error) error {
	return &paas.Error{Kind: paas.Conflict, Field: "name", Msg: paas.Public(err).Msg, Hint: "choose another name", Err: err}
}

// leaveTaken accepts that a generated host is another app's domain.
func leaveTaken(error) error { return nil }
