package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// toSchema2 turns the records of schema 1 into those of schema 2.
func toSchema2(t *Tx) error {
	steps := []func(*Tx) error{
		settingsLeaveApps, numberNouns, kindsOfDeployments, ordinalsOfInstances, indexOldEvents, rolesBecomeMemberships, kindsOfTokens,
		factorsOfSessions, releasesStandAlone, hostsAreRecords, variablesHaveVersions, kindsOfEnvironments,
	}
	for _, step := range steps {
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

// settingsLeaveApps gives each environment that an app is in what was the app's: branch, start command and health path.
func settingsLeaveApps(t *Tx) error {
	type before struct {
		Source paas.AppSource
		Build  paas.BuildSettings
	}
	apps := map[string]before{}
	err := each(t, appBucket, "", func(id string, a before) error { apps[id] = a; return nil })
	for _, id := range slices.Sorted(maps.Keys(apps)) {
		err = errors.Join(err, rewrite(t, appBucket, id, func(m members) error {
			return errors.Join(m.set("Source", paas.CodeAt(apps[id].Source.URL)), m.set("Build", apps[id].Build.OfApp()))
		}))
	}
	keys, keysErr := t.keys(appEnvironmentBucket, "")
	err = errors.Join(err, keysErr)
	for _, key := range keys {
		if err != nil {
			return err
		}
		var scale map[string]int
		var live string
		old := apps[targetAt(key).App]
		err = rewrite(t, appEnvironmentBucket, key, func(m members) error {
			return errors.Join(m.take("Scale", &scale), m.take("Live", &live))
		})
		if err != nil {
			return err
		}
		var p paas.AppEnvironment
		if p, err = get[paas.AppEnvironment](t, appEnvironmentBucket, key); err != nil {
			return err
		}
		p.SetScale(scale)
		old.Build.Apply(&p)
		p.Branch = old.Source.Branch
		if live != "" {
			p.Traffic = []paas.Share{{Release: live, Weight: 1}}
		}
		if p.Life, err = t.born(); err != nil {
			return err
		}
		err = t.put(appEnvironmentBucket, key, p)
	}
	return err
}

// releasesStandAlone gives releases what they took from their build and the app so far, and when they were live.
func releasesStandAlone(t *Tx) error {
	all, err := byAge[paas.Release](t, releaseBucket)
	for _, rel := range all {
		if err != nil {
			return err
		}
		target := paas.Target{App: rel.App, Environment: rel.Environment}
		p, envErr := t.AppEnvironment(target)
		b, known, buildErr := find[paas.Build](t, buildBucket, rel.Build)
		if err = errors.Join(envErr, buildErr); err != nil {
			return err
		}
		if known {
			rel.Image, rel.Tree, rel.Processes, rel.Health = b.Image, b.Tree, processesOf(b.Plan, p), healthOf(b.Plan, p)
			rel.Commit, rel.Author, rel.Message = b.Source.Commit, b.Source.Author, b.Source.Message
		}
		err = t.put(releaseBucket, rel.ID, rel)
	}
	if err != nil {
		return err
	}
	return timesOfReleases(t)
}

// timesOfReleases reads from the deployments when each release was live.
func timesOfReleases(t *Tx) error {
	deps, err := byAge[paas.Deployment](t, deploymentBucket)
	live := map[paas.Target]string{}
	for _, dep := range deps {
		at := slices.IndexFunc(dep.Steps, func(s paas.StepTime) bool { return s.Step == paas.StepSwitch })
		if err != nil || at < 0 || dep.Release == "" {
			continue
		}
		switched, target := dep.Steps[at].At, paas.Target{App: dep.App, Environment: dep.Environment}
		err = errors.Join(
			t.updateRelease(live[target], func(r *paas.Release) { r.LastLive = switched }),
			t.updateRelease(dep.Release, func(r *paas.Release) { r.FirstLive = switched }),
		)
		live[target] = dep.Release
	}
	return err
}

// numberNouns gives every noun its place in the order of making, which ids and clocks decided until now.
func numberNouns(t *Tx) error {
	for _, b := range []bucket{teamBucket, clientBucket, projectBucket, environmentBucket, appBucket, releaseBucket, instanceBucket, userBucket, tokenBucket} {
		if err := numberRecords(t, b); err != nil {
			return err
		}
	}
	n, err := t.next()
	if err != nil {
		return err
	}
	if err := rewrite(t, metaBucket, "server", func(m members) error { return m.set("Seq", n) }); err != nil {
		return err
	}
	return each(t, buildOfBucket, "", func(key, id string) error { // builds were numbered there
		return rewrite(t, buildBucket, id, func(m members) error { return m.set("Seq", numberAt(key)) })
	})
}

func numberRecords(t *Tx, b bucket) error {
	type made struct {
		key     string
		created time.Time
	}
	var all []made
	err := each(t, b, "", func(key string, r struct{ Created time.Time }) error {
		all = append(all, made{key, r.Created})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.key, b.key)) })
	for _, r := range all {
		n, err := t.next()
		if err != nil {
			return err
		}
		if err := rewrite(t, b, r.key, func(m members) error { return m.set("Seq", n) }); err != nil {
			return err
		}
	}
	return nil
}

func kindsOfDeployments(t *Tx) error {
	deps, err := list[paas.Deployment](t, deploymentBucket, "")
	for _, dep := range deps {
		if err != nil {
			return err
		}
		dep.Kind, dep.Intent = dep.Source.KindOf()
		err = t.put(deploymentBucket, dep.ID, dep)
	}
	return err
}

// ordinalsOfInstances numbers the copies of each process of a deployment from 1.
func ordinalsOfInstances(t *Tx) error {
	all, err := byAge[paas.Instance](t, instanceBucket)
	last := map[string]int{}
	for _, inst := range all {
		if err != nil {
			return err
		}
		of := path(inst.Deployment, inst.Process)
		last[of]++
		inst.Ordinal, inst.Kind = last[of], paas.KindInstance
		err = t.putInstance(inst)
	}
	return err
}

// indexOldEvents lets the events be found by actor and environment too. They themselves stay as they are, byte for byte.
func indexOldEvents(t *Tx) error {
	marks := map[string]bool{}
	err := t.eachRaw(eventBucket, "", func(key string, payload []byte) error {
		e, err := t.readEvent(key, payload)
		for _, id := range indexed(e) {
			marks[path(id, key)] = true
		}
		return err
	})
	for mark := range marks {
		err = errors.Join(err, t.mark(eventOfBucket, mark))
	}
	return err
}

func rolesBecomeMemberships(t *Tx) error {
	if err := t.builtInRoles(); err != nil {
		return err
	}
	team, err := t.teamPath()
	if err != nil {
		return err
	}
	roles := map[string]paas.Role{}
	err = each(t, userBucket, "", func(id string, m struct{ Role paas.Role }) error { roles[id] = m.Role; return nil })
	for _, id := range slices.Sorted(maps.Keys(roles)) {
		if err != nil {
			return err
		}
		if err = rewrite(t, userBucket, id, func(m members) error { delete(m, "Role"); return nil }); err != nil {
			return err
		}
		_, err = t.join(id, team, roles[id])
	}
	return err
}

func kindsOfTokens(t *Tx) error {
	all, err := list[paas.Token](t, tokenBucket, "")
	for _, tok := range all {
		if err != nil {
			return err
		}
		tok.Kind = paas.TokenService
		if tok.User != "" {
			tok.Kind = paas.TokenPerson
		}
		err = t.put(tokenBucket, tok.ID, tok)
	}
	return err
}

// factorsOfSessions says how people signed in: with what they are asked for, since a change of that ends the sessions.
func factorsOfSessions(t *Tx) error {
	all, err := list[paas.Session](t, sessionBucket, "")
	for _, x := range all {
		if err != nil {
			return err
		}
		var u paas.User
		if u, err = t.User(x.User); err == nil {
			x.Authenticated, x.How = x.Created, u.Factors()
			err = t.put(sessionBucket, x.Hash, x)
		}
	}
	return err
}

// hostsAreRecords makes records of the domains, and of the hosts that apps have of themselves.
func hostsAreRecords(t *Tx) error {
	owners := map[string]paas.Target{}
	err := each(t, hostBucket, "", func(name string, owner paas.Target) error { owners[name] = owner; return nil })
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		if err = errors.Join(err, t.delete(hostBucket, name)); err != nil {
			return err
		}
		err = t.takeHost(paas.Host{Name: name, Owner: owners[name], Kind: paas.HostOwn})
	}
	if err != nil {
		return err
	}
	all, err := t.AppEnvironments()
	if err != nil {
		return err
	}
	return t.generateHosts(all, leaveTaken)
}

// variablesHaveVersions seals the present variables again, for the place where their version stands now.
func variablesHaveVersions(t *Tx) error {
	all, err := t.AppEnvironments()
	for _, p := range all {
		if err != nil {
			return err
		}
		if p.VarsVersion == 0 {
			continue
		}
		var vars []paas.Variable
		key, version := targetKey(p.Target), uint64(p.VarsVersion)
		if vars, err = t.openVariables(variablesBucket, key, version); err != nil {
			return err
		}
		err = errors.Join(t.delete(variablesBucket, key), t.sealVariables(variablesBucket, variablesKey(p.Target, p.VarsVersion), version, vars))
	}
	return err
}

func kindsOfEnvironments(t *Tx) error {
	all, err := list[environmentRecord](t, environmentBucket, "")
	for _, env := range all {
		if err == nil {
			env.Kind = paas.KindOfEnvironment(env.Name)
			err = t.put(environmentBucket, env.ID, env)
		}
	}
	return err
}

// members are those of a record as it stands, whatever its type has become since.
type members map[string]json.RawMessage

func (m members) set(name string, v any) error {
	raw, err := json.Marshal(v)
	m[name] = raw
	return err
}

// take reads a member into v and removes it; one that is not there leaves v as it is.
func (m members) take(name string, v any) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	delete(m, name)
	return json.Unmarshal(raw, v)
}

// rewrite changes members of one record.
func rewrite(t *Tx, b bucket, key string, fn func(members) error) error {
	m, err := get[members](t, b, key)
	if err != nil {
		return err
	}
	if err := fn(m); err != nil {
		return fmt.Errorf("record %q of %q: %w", key, b, err)
	}
	return t.put(b, key, m)
}
