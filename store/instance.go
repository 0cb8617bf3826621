package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// goneKept is how many instances of a target are remembered that are gone.
const goneKept = 100

// NewInstance records a copy of the deployment's release before anything of it exists in Docker, with an address of the environment that
// nothing else has. A static build's instance has its directory instead, and no address.
func (t *Tx) NewInstance(deployment, process string) (paas.Instance, error) {
	dep, err := t.running(deployment)
	if err != nil {
		return paas.Instance{}, err
	}
	return t.newInstance(paas.Instance{Release: dep.Release, Deployment: dep.ID, Process: process})
}

// NewCopy is NewInstance for one more copy of the release that is live at target, without a deployment.
func (t *Tx) NewCopy(target paas.Target, process string) (paas.Instance, error) {
	p, err := t.AppEnvironment(target)
	if err != nil {
		return paas.Instance{}, err
	}
	if p.Live() == "" {
		return paas.Instance{}, conflict("", "nothing is live yet")
	}
	return t.newInstance(paas.Instance{Release: p.Live(), Process: process})
}

func (t *Tx) newInstance(inst paas.Instance) (paas.Instance, error) {
	if inst.Process == "" || len(inst.Process) > 63 {
		return paas.Instance{}, paas.Invalidf("process", "", "%q cannot be a process type", paas.Clip(inst.Process, 63))
	}
	rel, err := t.Release(inst.Release)
	if err != nil {
		return paas.Instance{}, err
	}
	b, err := t.Build(rel.Build)
	if err != nil {
		return paas.Instance{}, err
	}
	server, err := t.Server()
	if err != nil {
		return paas.Instance{}, err
	}
	inst.ID, inst.App, inst.Environment, inst.Server = paas.NewID("ins"), rel.App, rel.Environment, server.ID
	inst.Kind, inst.State, inst.Created = paas.KindInstance, paas.Starting, t.now
	if inst.Ordinal, err = t.nextOrdinal(inst); err != nil {
		return paas.Instance{}, err
	}
	if inst.Life, err = t.born(); err != nil {
		return paas.Instance{}, err
	}
	if b.Plan.Static != nil && b.Image == "" {
		inst.Dir, inst.SPA = b.ID, b.Plan.Static.SPA
	} else if inst.Addr, err = t.takeAddress(inst.Environment); err != nil {
		return paas.Instance{}, err
	}
	return inst, t.putInstance(inst)
}

// UpdateInstance changes Container, SpecHash, Port, Dir, SPA, Health, Restarts and State; fn must not change the rest. One that begins to drain gets its time and
// table generation; one that is gone stays gone (Conflict).
func (t *Tx) UpdateInstance(id string, fn func(*paas.Instance) error) error {
	old, err := t.Instance(id)
	if err != nil {
		return err
	}
	inst := old
	if err := fn(&inst); err != nil {
		return err
	}
	return t.changeInstance(old, inst)
}

// InstanceGone records that nothing is left of an instance: its address can be used again. Saying it twice is fine.
func (t *Tx) InstanceGone(id string) error {
	return t.UpdateInstance(id, func(i *paas.Instance) error { i.State = paas.Gone; return nil })
}

// Instance by id.
func (t *Tx) Instance(id string) (paas.Instance, error) {
	return get[paas.Instance](t, instanceBucket, id)
}

// Instances in any of these states, by age; without a state those that are not gone.
func (t *Tx) Instances(states ...paas.InstanceState) ([]paas.Instance, error) {
	if len(states) == 0 {
		states = []paas.InstanceState{paas.Starting, paas.Live, paas.Resting, paas.Draining, paas.Ending}
	}
	var out []paas.Instance
	keep := func(i paas.Instance) error {
		if slices.Contains(states, i.State) {
			out = append(out, i)
		}
		return nil
	}
	var err error
	if slices.Contains(states, paas.Gone) {
		err = each(t, instanceBucket, "", func(_ string, i paas.Instance) error { return keep(i) })
	} else {
		err = t.eachInstanceOf("", keep)
	}
	paas.SortByAge(out)
	return out, err
}

// InstancesOf a target that are not gone, by age.
func (t *Tx) InstancesOf(target paas.Target) ([]paas.Instance, error) {
	var out []paas.Instance
	err := t.eachInstanceOf(path(targetKey(target), ""), func(i paas.Instance) error { out = append(out, i); return nil })
	paas.SortByAge(out)
	return out, err
}

// eachInstanceOf goes through what is not gone below a target or an environment.
func (t *Tx) eachInstanceOf(prefix string, fn func(paas.Instance) error) error {
	return t.eachRaw(instanceOfBucket, prefix, func(key string, _ []byte) error {
		inst, err := get[paas.Instance](t, instanceBucket, lastPart(key))
		if err != nil {
			return err
		}
		return fn(inst)
	})
}

// changeInstance writes inst in the place of old. Whatever the edge sees of it makes a new generation of the table.
func (t *Tx) changeInstance(old, inst paas.Instance) error {
	if err := checkInstance(old, inst); err != nil || inst == old {
		return err
	}
	if inst.State == paas.Draining && old.State != paas.Draining {
		generation, err := t.generation()
		if err != nil {
			return err
		}
		inst.DrainedFrom, inst.DrainGeneration = t.now, generation+1
	}
	if visible(old) || visible(inst) {
		if _, err := t.bump(); err != nil {
			return err
		}
	}
	return t.putInstance(inst)
}

func checkInstance(old, inst paas.Instance) error {
	same := inst
	same.Container, same.SpecHash, same.Port, same.Dir, same.SPA = old.Container, old.SpecHash, old.Port, old.Dir, old.SPA
	same.State, same.Health, same.Restarts = old.State, old.Health, old.Restarts
	if same != old {
		return fmt.Errorf("update instance %q: only its container, address, health and state change", old.ID)
	}
	if old.State == paas.Gone && inst != old {
		return conflict("", "the instance %q is gone", old.ID)
	}
	return nil
}

// visible reports whether the edge's table shows the instance.
func visible(i paas.Instance) bool {
	return i.Process == "web" && (i.State == paas.Live || i.State == paas.Draining)
}

func (t *Tx) putInstance(i paas.Instance) error {
	key := path(targetKey(paas.Target{App: i.App, Environment: i.Environment}), i.ID)
	if i.State == paas.Gone {
		return errors.Join(t.put(instanceBucket, i.ID, i), t.delete(instanceOfBucket, key), t.keepGone(i))
	}
	return errors.Join(t.put(instanceBucket, i.ID, i), t.mark(instanceOfBucket, key))
}

// keepGone finds an instance that is gone a place among the last ones of its target, and forgets those that are too many.
func (t *Tx) keepGone(i paas.Instance) error {
	prefix := path(targetKey(paas.Target{App: i.App, Environment: i.Environment}), "")
	if err := t.put(instanceGoneBucket, prefix+number(i.Seq), i.ID); err != nil {
		return err
	}
	n := 0
	var old []string
	err := t.eachDown(instanceGoneBucket, prefix, func(key string, _ []byte) error {
		if n++; n > goneKept {
			old = append(old, key)
		}
		return nil
	})
	for _, key := range old {
		id, findErr := get[string](t, instanceGoneBucket, key)
		err = errors.Join(err, findErr, t.delete(instanceBucket, id), t.delete(instanceGoneBucket, key))
	}
	return err
}

// nextOrdinal is the lowest number that no other copy of the process of the same release has.
func (t *Tx) nextOrdinal(inst paas.Instance) (int, error) {
	others, err := t.InstancesOf(paas.Target{App: inst.App, Environment: inst.Environment})
	taken := map[int]bool{}
	for _, o := range others {
		if o.Release == inst.Release && o.Process == inst.Process {
			taken[o.Ordinal] = true
		}
	}
	n := 1
	for taken[n] {
		n++
	}
	return n, err
}
