package control

import (
	"slices"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	week      = 7 * 24 * time.Hour
	maxRecent = 50

	crashShown = 6 * time.Minute // deploy lets a crashing instance rest for five
	crashBatch = 20              // events that are read at a time to find a crash

	// DefaultListed is how many deployments one call lists unless it says otherwise.
	DefaultListed = 50
	// ShownDeployments is how many deployments go with an app.
	ShownDeployments = 20
)

// AppState is an app in an environment as everything shows it: what is live, what was tried last, and where it is found.
type AppState struct {
	Place
	Config  paas.AppEnvironment
	Live    *paas.Release    // nil: nothing is live
	Build   *paas.Build      // of the live release; nil when it is not kept any more
	Latest  *paas.Deployment // nil: never deployed
	Recent  []Attempt        // deployments of the last week, at most 50
	Crashed time.Time        // when the live version was last found to stop again and again; zero: not in the last minutes
	Address string           // for visitors
	Remote  string           // to push to
	ByID    bool             // its name alone would not find it: several apps that the same people see have it
}

// Attempt is a deployment as figures count it.
type Attempt struct {
	At     time.Time
	Status paas.Status
}

// Plan is what the live build was detected as; nil when nothing is live or the build is not kept.
func (s AppState) Plan() *paas.Plan {
	if s.Build == nil {
		return nil
	}
	return &s.Build.Plan
}

// Down reports whether the live version stops by itself again and again at this moment.
func (s AppState) Down(now time.Time) bool {
	return s.Live != nil && s.Crashed.After(s.Live.Created) && now.Sub(s.Crashed) < crashShown
}

// state gathers what is known of an app in an environment.
func (c *Control) state(t *store.Tx, p Place) (s AppState, err error) {
	s = AppState{Place: p, Address: c.Address(p), Remote: c.Remote(p)}
	if s.Config, err = t.AppEnvironment(p.Target()); err != nil {
		return s, err
	}
	if s.Config.Live() != "" {
		if err := s.readLive(t); err != nil {
			return s, err
		}
	}
	deps, err := t.Deployments(p.Target(), maxRecent)
	if err == nil && len(deps) > 0 {
		s.Latest = &deps[0]
	}
	for _, d := range deps {
		if c.now().Sub(d.Created) > week {
			break
		}
		s.Recent = append(s.Recent, Attempt{At: d.Created, Status: d.Status})
	}
	return s, err
}

func (s *AppState) readLive(t *store.Tx) error {
	rel, err := t.Release(s.Config.Live())
	if err != nil {
		return err
	}
	s.Live = &rel
	b, err := t.Build(rel.Build)
	if err == nil {
		s.Build = &b
	} else if !paas.IsKind(err, paas.NotFound) { // old builds are removed; the release remains as history
		return err
	}
	return s.readCrash(t)
}

// readCrash looks for a crash among the app's newest events, and no further back than one would be shown.
func (s *AppState) readCrash(t *store.Tx) error {
	f := store.EventFilter{Path: s.Path, Limit: crashBatch}
	for {
		events, err := t.Events(f)
		if err != nil {
			return err
		}
		for _, e := range events {
			if t.Now().Sub(e.Time) >= crashShown || e.Time.Before(s.Live.Created) {
				return nil
			}
			if e.Action == paas.EventInstanceCrashing && e.Subject == s.App.ID {
				s.Crashed = e.Time
				return nil
			}
			f.Before = e.Seq
		}
		if len(events) < f.Limit {
			return nil
		}
	}
}

// Address is where visitors find an app in an environment.
func (c *Control) Address(p Place) string { return c.site.Address(p.App, p.Project, p.Environment) }

// Remote is where to push the app to.
func (c *Control) Remote(p Place) string {
	return c.site.Origin(c.site.Domain) + "/git/" + p.FullName() + ".git"
}

// App is how an app stands.
func (c *Control) App(by access.Principal, target paas.Target) (s AppState, err error) {
	if err := c.view(by, access.AppRead, target, func(*store.Tx, Place) error { return nil }); err != nil {
		return s, err
	}
	if _, err := c.everything(); err != nil {
		return s, err
	}
	if s, err = c.fleet.state(target); err != nil {
		return s, err
	}
	s.ByID, err = c.ambiguous(by, s.App)
	return s, err
}

// Wanted are the variables that the live code asks for and that are not set.
func (c *Control) Wanted(by access.Principal, s AppState) ([]paas.Needed, error) {
	plan := s.Plan()
	if plan == nil || len(plan.Missing) == 0 {
		return nil, nil
	}
	vars, err := c.Variables(by, s.Target())
	if err != nil {
		return nil, err
	}
	var out []paas.Needed
	for _, n := range plan.Missing {
		set := slices.ContainsFunc(vars, func(v paas.Variable) bool { return v.Name == n.Name })
		if !set && (n.Required || n.Default == "") {
			out = append(out, n)
		}
	}
	return out, nil
}

// Release is a release with what it is made of.
type Release struct {
	paas.Release
	Source *paas.Source // nil: its build is not kept, so one cannot roll back to it
	IsLive bool
}

// Releases of a target, the newest first.
func (c *Control) Releases(by access.Principal, target paas.Target) (out []Release, err error) {
	err = c.view(by, access.ReleaseRead, target, func(t *store.Tx, _ Place) error {
		env, err := t.AppEnvironment(target)
		if err != nil {
			return err
		}
		all, err := t.Releases(target)
		if err != nil {
			return err
		}
		for _, r := range all {
			one := Release{Release: r, IsLive: r.ID == env.Live()}
			b, err := t.Build(r.Build)
			if err == nil {
				one.Source = &b.Source
			} else if !paas.IsKind(err, paas.NotFound) {
				return err
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

// History is a target's newest deployments, the newest first, with what tells how they stand today.
type History struct {
	Deployments []paas.Deployment
	Live        string          // id of the live release
	LastNumber  int             // of the newest release
	Kept        map[string]bool // build id of one of these → it is still here
}

// History of a target, at most limit deployments.
func (c *Control) History(by access.Principal, target paas.Target, limit int) (out History, err error) {
	err = c.view(by, access.DeploymentRead, target, func(t *store.Tx, _ Place) error {
		env, err := t.AppEnvironment(target)
		if err != nil {
			return err
		}
		out = History{Live: env.Live(), LastNumber: env.LastNumber, Kept: map[string]bool{}}
		if out.Deployments, err = t.Deployments(target, limit); err != nil {
			return err
		}
		for _, d := range out.Deployments {
			_, err := t.Build(d.Build)
			if err != nil && !paas.IsKind(err, paas.NotFound) {
				return err
			}
			out.Kept[d.Build] = err == nil
		}
		return nil
	})
	return out, err
}

// Deployment by id, as it is now.
func (c *Control) Deployment(by access.Principal, id string) (paas.Deployment, error) {
	if err := c.Output.mayRead(by, id); err != nil {
		return paas.Deployment{}, err
	}
	return c.store.Deployment(id)
}

// Allowance is what all copies of the live release may use together; nothing for static files.
func (s AppState) Allowance() paas.Allowance {
	plan := s.Plan()
	if s.Live == nil || plan != nil && plan.Static != nil {
		return paas.Allowance{}
	}
	copies := 0
	for _, n := range s.Config.Scale() {
		copies += n
	}
	return paas.AllowanceOf(s.Live.Limits, max(copies, 1))
}

// Week is how the deployments of the last seven days went.
type Week struct{ Tried, Live, Failed int }

// WeekOf counts what the apps have tried lately.
func WeekOf(apps []AppState, now time.Time) (w Week) {
	for _, s := range apps {
		for _, a := range s.Recent {
			if now.Sub(a.At) > week {
				break
			}
			w.Tried++
			switch a.Status {
			case paas.Succeeded:
				w.Live++
			case paas.StatusFailed, paas.Interrupted:
				w.Failed++
			}
		}
	}
	return w
}
