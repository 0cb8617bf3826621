package store

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxSettingBytes = 4096 // of what describes a source
	maxApps         = 2000
)

// NewApp is what CreateApp needs. Project "" is a project named like the app, Environment "" is production; both are made when missing.
type NewApp struct {
	Name, Project, Environment string
	Source                     paas.AppSource
	Build                      paas.BuildSettings
	Variables                  []paas.Variable
	Avoid                      []netip.Prefix // subnets of this machine that a new environment must keep away from
}

// CreateApp makes an app and its place in one environment. Conflict when its project has an app of that name; Unavailable while
// Settings.Pool is zero.
func (t *Tx) CreateApp(in NewApp) (paas.App, error) {
	if in.Project == "" {
		in.Project = in.Name
	}
	if in.Environment == "" {
		in.Environment = paas.Production
	}
	a := paas.App{Name: in.Name, Source: paas.CodeAt(in.Source.URL), Build: in.Build.OfApp()}
	if err := errors.Join(paas.CheckName(in.Name), in.Source.Validate(), in.Build.Validate()); err != nil {
		return paas.App{}, err
	}
	client, err := t.defaultClient()
	if err != nil {
		return paas.App{}, err
	}
	project, err := t.ensureProject(client.ID, in.Project)
	if err != nil {
		return paas.App{}, err
	}
	if a, err = t.createApp(a, project); err != nil {
		return paas.App{}, err
	}
	settings := paas.AppEnvironment{Branch: in.Source.Branch}
	in.Build.Apply(&settings)
	target, err := t.place(a, in.Environment, in.Avoid, settings)
	if err != nil || len(in.Variables) == 0 {
		return a, err
	}
	return a, t.SetVariables(target, in.Variables, nil)
}

// AddToEnvironment puts an existing app into another environment of its project, which is made when missing. Conflict when it is there already.
func (t *Tx) AddToEnvironment(app, environment string, avoid []netip.Prefix) (paas.Target, error) {
	a, err := t.App(app)
	if err != nil {
		return paas.Target{}, err
	}
	elsewhere, err := t.AppEnvironmentsOf(app)
	if err != nil {
		return paas.Target{}, err
	}
	settings := paas.AppEnvironment{}
	if len(elsewhere) > 0 { // it begins with what the app was told where it was first
		settings.Branch = elsewhere[0].Branch
		a.BuildIn(elsewhere[0]).Apply(&settings)
	}
	return t.place(a, environment, avoid, settings)
}

// Apps of all projects, by age.
func (t *Tx) Apps() ([]paas.App, error) { return byAge[paas.App](t, appBucket) }

// App by id.
func (t *Tx) App(id string) (paas.App, error) { return get[paas.App](t, appBucket, id) }

// FindApp resolves "app" or "project/app". A short name that several projects use is a Conflict whose hint lists them.
func (t *Tx) FindApp(name string) (paas.App, error) {
	var found []paas.App
	var full []string
	project, short := paas.SplitName(name)
	err := each(t, appNameBucket, "", func(key, id string) error {
		if !strings.HasSuffix(key, "/"+short) {
			return nil
		}
		a, err := t.App(id)
		if err != nil {
			return err
		}
		p, err := t.Project(a.Project)
		if err == nil && (project == "" || project == p.Name) {
			found, full = append(found, a), append(full, p.Name+"/"+a.Name)
		}
		return err
	})
	switch {
	case err != nil:
		return paas.App{}, err
	case len(found) == 0:
		return paas.App{}, notFound("app", name)
	case len(found) > 1:
		return paas.App{}, conflict("name one of "+strings.Join(full, ", "), "several apps are named %q", name)
	}
	return found[0], nil
}

// UpdateApp changes Source and Build; fn must not change the rest. Its error is returned and changes nothing.
func (t *Tx) UpdateApp(id string, fn func(*paas.App) error) error {
	old, err := t.App(id)
	if err != nil {
		return err
	}
	a := old
	if err := fn(&a); err != nil {
		return err
	}
	if a.ID != old.ID || a.Project != old.Project || a.Name != old.Name || !a.Created.Equal(old.Created) || a.Life != old.Life {
		return paas.Invalidf("name", "rename it instead", "only an app's source and build settings can change")
	}
	if err := errors.Join(a.Source.Validate(), paas.BuildSettings{Root: a.Build.Root, BuildCommand: a.Build.BuildCommand}.Validate()); err != nil {
		return err
	}
	if a.Source.Equal(old.Source) && a.Build == old.Build {
		return nil
	}
	at, err := t.PathOf(id)
	if err != nil {
		return err
	}
	if err := t.put(appBucket, id, a); err != nil {
		return err
	}
	before, after := changedSettings(settingsOfApp(old), settingsOfApp(a))
	return t.changedEvent(paas.EventAppUpdated, id, at, before, after)
}

// RenameApp changes the name, and that of the project when it was made for this app alone. Conflict when the name is taken.
func (t *Tx) RenameApp(id, name string) error {
	if err := paas.CheckName(name); err != nil {
		return err
	}
	a, err := get[paas.App](t, appBucket, id)
	if err != nil || a.Name == name {
		return err
	}
	at, err := t.PathOf(id)
	if err != nil {
		return err
	}
	old := a.Name
	if err := t.renameProjectWith(a, name); err != nil {
		return err
	}
	if t.has(appNameBucket, path(a.Project, name)) {
		return nameTaken(name)
	}
	a.Name = name
	err = errors.Join(t.delete(appNameBucket, path(a.Project, old)), t.put(appNameBucket, path(a.Project, name), id), t.put(appBucket, id, a))
	if err != nil {
		return err
	}
	if err := t.renameHosts(a.Project); err != nil {
		return err
	}
	if _, err := t.bump(); err != nil {
		return err
	}
	return t.event(paas.AppRenamed{Name: name, Was: old}, id, at)
}

// renameHosts follows a change of names in a project.
func (t *Tx) renameHosts(project string) error {
	all, err := t.AppEnvironments()
	if err != nil {
		return err
	}
	var there []paas.AppEnvironment
	for _, p := range all {
		a, err := t.App(p.App)
		if err != nil {
			return err
		}
		if a.Project == project {
			there = append(there, p)
		}
	}
	return t.generateHosts(there, nameTakenAs)
}

// renameProjectWith keeps the project invisible: it is named like its only app.
func (t *Tx) renameProjectWith(a paas.App, name string) error {
	p, err := get[paas.Project](t, projectBucket, a.Project)
	if err != nil {
		return err
	}
	siblings, err := t.keys(appNameBucket, path(p.ID, ""))
	if err != nil || p.Name != a.Name || len(siblings) != 1 {
		return err
	}
	if t.has(projectNameBucket, path(p.Client, name)) {
		return nameTaken(name)
	}
	if err := t.delete(projectNameBucket, path(p.Client, p.Name)); err != nil {
		return err
	}
	p.Name = name
	return errors.Join(t.put(projectNameBucket, path(p.Client, name), p.ID), t.put(projectBucket, p.ID, p))
}

func (t *Tx) createApp(a paas.App, project paas.Project) (paas.App, error) {
	if t.has(appNameBucket, path(project.ID, a.Name)) {
		return a, nameTaken(a.Name)
	}
	if err := t.refuseOver(appBucket, maxApps); err != nil {
		return a, err
	}
	life, err := t.born()
	if err != nil {
		return a, err
	}
	a.ID, a.Project, a.Created, a.Life = paas.NewID("app"), project.ID, t.now, life
	if err := errors.Join(t.put(appBucket, a.ID, a), t.put(appNameBucket, path(project.ID, a.Name), a.ID)); err != nil {
		return a, err
	}
	at, err := t.PathOf(a.ID)
	if err != nil {
		return a, err
	}
	return a, t.event(paas.AppCreated{Name: a.Name, Project: project.Name}, a.ID, at)
}

// place puts an app into an environment of its project, to run there with these settings.
func (t *Tx) place(a paas.App, environment string, avoid []netip.Prefix, settings paas.AppEnvironment) (paas.Target, error) {
	env, err := t.ensureEnvironment(a.Project, environment, avoid)
	if err != nil {
		return paas.Target{}, err
	}
	target := paas.Target{App: a.ID, Environment: env.ID}
	if t.has(appEnvironmentBucket, targetKey(target)) {
		return target, conflict("", "%q is in the environment %q already", a.Name, env.Name)
	}
	settings.Target = target
	if settings.Life, err = t.born(); err != nil {
		return target, err
	}
	if err := t.put(appEnvironmentBucket, targetKey(target), settings); err != nil {
		return target, err
	}
	if err := t.generateHosts([]paas.AppEnvironment{{Target: target}}, nameTakenAs); err != nil {
		return target, err
	}
	if _, err := t.bump(); err != nil {
		return target, err
	}
	at, err := t.PathIn(target)
	if err != nil {
		return target, err
	}
	return target, t.event(paas.AppPlaced{Environment: env.Name}, a.ID, at)
}

// changedSettings are the settings that differ, before and after; one that was or is not there is "".
func changedSettings(old, now map[string]string) (before, after map[string]string) {
	before, after = map[string]string{}, map[string]string{}
	for _, settings := range []map[string]string{old, now} {
		for name := range settings {
			if old[name] != now[name] {
				before[name], after[name] = old[name], now[name]
			}
		}
	}
	return before, after
}

func settingsOfApp(a paas.App) map[string]string {
	return map[string]string{
		"source": string(a.Source.Kind), "url": a.Source.URL, "repository": a.Source.Repository, "image": a.Source.Image,
		"watch": strings.Join(a.Source.Watch, " "), "root": a.Build.Root, "build_command": a.Build.BuildCommand,
	}
}

func nameTaken(name string) error {
	return &paas.Error{Kind: paas.Conflict, Field: "name", Msg: fmt.Sprintf("the name %q is taken", name), Hint: "choose another name"}
}
