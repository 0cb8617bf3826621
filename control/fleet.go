package control

import (
	"cmp"
	"slices"
	"sync"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// fleet is every app as it stands, kept in memory: it is read once, in one transaction, and then only where the store says that something
// changed. Whoever asks gets what is committed, their own change of a moment ago included.
type fleet struct {
	mu     sync.Mutex
	watch  *store.Watcher
	states map[paas.Target]AppState
	sorted []AppState // by full name; nil when it must be sorted anew

	generation uint64 // grows whenever sorted is made anew
}

// Apps are the apps that by may see in an environment of that name, by full name; "" is production.
func (c *Control) Apps(by access.Principal, environment string) ([]AppState, error) {
	if err := access.Authorize(by, access.AppList, access.Resource{}); err != nil {
		return nil, err
	}
	if environment == "" {
		environment = paas.Production
	}
	all, err := c.everything()
	if err != nil {
		return nil, err
	}
	out := make([]AppState, 0, len(all))
	times := make(map[string]int, len(all))
	for _, s := range all {
		if s.Environment.Name == environment && access.Authorize(by, access.AppRead, s.resource()) == nil {
			out = append(out, s)
			times[s.App.Name]++
		}
	}
	for i := range out {
		out[i].ByID = times[out[i].App.Name] > 1
	}
	return out, nil
}

// Generation grows whenever Apps may answer differently: as long as it is the same, nothing has to be asked again.
func (c *Control) Generation() (uint64, error) {
	if _, err := c.everything(); err != nil {
		return 0, err
	}
	c.fleet.mu.Lock()
	defer c.fleet.mu.Unlock()
	return c.fleet.generation, nil
}

// ambiguous reports whether by sees another app of the same name.
func (c *Control) ambiguous(by access.Principal, app paas.App) (bool, error) {
	all, err := c.everything()
	for _, s := range all {
		if s.App.Name == app.Name && s.App.ID != app.ID && by.Sees(s.Path) {
			return true, err
		}
	}
	return false, err
}

// everything is the state of every app in every environment. The slice is shared: callers do not change it.
func (c *Control) everything() ([]AppState, error) {
	f := &c.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watch == nil {
		f.watch = c.store.Watch() // before the first reading, so that nothing between the two is missed
	}
	dirty := f.watch.Take()
	if f.states == nil || len(dirty) > 0 {
		if err := c.refresh(dirty); err != nil {
			f.states = nil // what was dirty is not known any more: the next one reads everything
			return nil, err
		}
	}
	return f.sorted, nil
}

// refresh reads what changed, in one transaction. The caller holds the lock.
func (c *Control) refresh(dirty []store.Dirty) error {
	return c.store.View(func(t *store.Tx) error {
		f := &c.fleet
		if f.states == nil {
			f.states = map[paas.Target]AppState{}
			dirty = []store.Dirty{{Kind: store.KindEverything}}
		}
		touched, all := f.touched(dirty)
		if len(touched) == 0 && !all {
			return nil
		}
		places, err := t.AppEnvironments()
		if err != nil {
			return err
		}
		there := make(map[paas.Target]bool, len(places))
		for _, env := range places {
			there[env.Target] = true
			if _, known := f.states[env.Target]; known && !all && !touched[env.App] {
				continue
			}
			p, err := placeOf(t, env.Target)
			if err != nil {
				return err
			}
			if f.states[env.Target], err = c.state(t, p); err != nil {
				return err
			}
		}
		for target := range f.states {
			if !there[target] {
				delete(f.states, target)
			}
		}
		f.sort()
		return nil
	})
}

// state is what is known of one app. NotFound when it was deleted.
func (f *fleet) state(target paas.Target) (AppState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.states[target]
	if !ok {
		return s, &paas.Error{Kind: paas.NotFound, Msg: "the app is not there any more"}
	}
	return s, nil
}

// touched are the apps whose state may be another one now; all when it may be any app's.
func (f *fleet) touched(dirty []store.Dirty) (apps map[string]bool, all bool) {
	apps = map[string]bool{}
	for _, d := range dirty {
		switch {
		case d.App != "":
			apps[d.App] = true
		case d.Kind == store.KindBuild: // removed: which app was it of?
			for _, s := range f.states {
				if s.Build != nil && s.Build.ID == d.ID {
					apps[s.App.ID] = true
				}
			}
		case slices.Contains([]store.Kind{store.KindEverything, store.KindSettings, store.KindClient, store.KindProject, store.KindEnvironment}, d.Kind):
			all = true
		}
	}
	return apps, all
}

func (f *fleet) sort() {
	f.generation++
	f.sorted = make([]AppState, 0, len(f.states))
	for _, s := range f.states {
		f.sorted = append(f.sorted, s)
	}
	slices.SortFunc(f.sorted, func(a, b AppState) int {
		return cmp.Or(cmp.Compare(a.FullName(), b.FullName()), cmp.Compare(a.App.ID, b.App.ID), cmp.Compare(a.Environment.Name, b.Environment.Name))
	})
}
