package page

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	auditRows  = 50
	queryRunes = 100
)

// audit is the record of events.
type audit struct{ frame }

func (h audit) routes() []server.Route {
	return []server.Route{
		{Method: http.MethodGet, Path: "/audit", Action: access.EventList, Resource: server.NoResource, Handle: h.show},
		{Method: http.MethodPost, Path: "/audit/check", Action: access.EventVerify, Resource: server.Installation, Handle: h.check},
	}
}

func (h audit) show(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	if p.Newer == "" && p.Query == "" {
		r, done, err := h.ctl.Events.VerifySmall(c.Principal)
		if err != nil {
			return err
		}
		if done {
			p.Chain = h.chain(r)
		}
	}
	return answer(c, http.StatusOK, p)
}

// check goes through the whole chain and shows the page with the result. Nothing changes, so asking again does no harm.
func (h audit) check(c *server.Call) error {
	p, err := h.page(c)
	if err != nil {
		return err
	}
	r, err := h.ctl.Events.Verify(c.Principal)
	if err != nil {
		return err
	}
	p.Chain = h.chain(r)
	return answer(c, http.StatusOK, p)
}

func (h audit) page(c *server.Call) (ui.AuditPage, error) {
	shell, err := h.shell(c, "Audit", "audit", ui.Crumb{Text: "Audit"})
	if err != nil {
		return ui.AuditPage{}, err
	}
	p := ui.AuditPage{Shell: shell, Query: paas.Clip(strings.TrimSpace(c.QueryParam("q")), queryRunes)}
	before, err := c.Sequence("before")
	if err != nil {
		before = 0 // a broken link shows the newest page
	}
	names, err := h.names(c)
	if err != nil {
		return p, err
	}
	describe := func(e paas.Event) ui.Event { return ui.Describe(e, names[e.Path.App]) }
	q := control.EventQuery{Before: before, Limit: auditRows}
	if p.Query != "" {
		q.Match = func(e paas.Event) bool { return matches(describe(e), p.Query) }
	}
	events, next, err := h.ctl.Events.List(c.Principal, q)
	if err != nil {
		return p, err
	}
	for _, e := range events {
		p.Events = append(p.Events, describe(e))
	}
	if next > 0 {
		p.Older = "/audit?" + url.Values{"before": {strconv.FormatUint(next, 10)}, "q": {p.Query}}.Encode()
	}
	if before > 0 {
		p.Newer = "/audit?" + url.Values{"q": {p.Query}}.Encode()
	}
	return p, nil
}

// matches reports whether every word of the query is somewhere in the entry.
func matches(e ui.Event, query string) bool {
	text := strings.ToLower(strings.Join([]string{e.Who(), e.Verb, e.Object, e.More, string(e.Action), e.Actor.Addr}, " "))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (h audit) names(c *server.Call) (map[string]string, error) {
	apps, err := h.visible(c)
	names := make(map[string]string, len(apps))
	for _, a := range apps {
		names[a.ID] = a.FullName()
	}
	return names, err
}

// chain is what checking the whole record found.
func (h audit) chain(r control.Chain) ui.Chain {
	out := ui.Chain{Checked: h.now(), Entries: int(r.Events), Since: r.First}
	if !r.OK() {
		out.Broken, out.Problem = r.Breaks[0].Seq, r.Breaks[0].Problem
	}
	return out
}
