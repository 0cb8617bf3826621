package server

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/ui"
)

const (
	auditRows   = 50
	auditBatch  = 500
	auditScan   = 5000 // entries that one search goes through
	checkAtOnce = 5000 // entries that are checked at every look; more only when asked
	maxQuery    = 100
)

func auditPages() []Route {
	return []Route{
		{Method: http.MethodGet, Path: "/audit", Action: access.EventList, Resource: nowhere, Handle: (*Server).showAudit, Page: true},
		{Method: http.MethodPost, Path: "/audit/check", Action: access.EventVerify, Resource: installation, Handle: (*Server).checkAudit, Page: true},
	}
}

func (s *Server) showAudit(c *Call) error { return s.audit(c, false) }

// checkAudit goes through the whole chain and shows the page with the result. Nothing changes, so asking again does no harm.
func (s *Server) checkAudit(c *Call) error { return s.audit(c, true) }

func (s *Server) audit(c *Call, check bool) error {
	shell, err := s.shell(c, "Audit", "audit", ui.Crumb{Text: "Audit"})
	if err != nil {
		return err
	}
	query := paas.Clip(strings.TrimSpace(c.QueryParam("q")), maxQuery)
	before, err := strconv.ParseUint(c.QueryParam("before"), 10, 63)
	if err != nil {
		before = 0
	}
	p := ui.AuditPage{Shell: shell, Query: query}
	next := uint64(0)
	if p.Events, next, err = s.auditEvents(c, before, query); err != nil {
		return err
	}
	if next > 0 {
		p.Older = "/audit?" + url.Values{"before": {strconv.FormatUint(next, 10)}, "q": {query}}.Encode()
	}
	if before > 0 {
		p.Newer = "/audit?" + url.Values{"q": {query}}.Encode()
	}
	newest, err := s.Store.Events(store.EventFilter{Limit: 1})
	if err != nil {
		return err
	}
	small := len(newest) > 0 && newest[0].Seq <= checkAtOnce
	may := access.Authorize(c.Principal, access.EventVerify, access.Resource{Path: c.Principal.Scope}) == nil
	if check || small && may && before == 0 && query == "" {
		if p.Chain, err = s.chain(); err != nil {
			return err
		}
	}
	return c.page(http.StatusOK, p)
}

// auditEvents are the entries before a number that whoever asks may see and that match the query; next goes on where they end.
func (s *Server) auditEvents(c *Call, before uint64, query string) (out []ui.Event, next uint64, err error) {
	names, err := s.appNames(c)
	if err != nil {
		return nil, 0, err
	}
	for scanned := 0; scanned < auditScan; {
		batch, err := s.Store.Events(store.EventFilter{Path: c.Principal.Scope, Before: before, Limit: auditBatch})
		if err != nil {
			return nil, 0, err
		}
		for _, e := range batch {
			before = e.Seq
			if access.Authorize(c.Principal, access.EventRead, access.Resource{Kind: "event", Path: e.Path}) != nil {
				continue
			}
			if said := ui.Describe(e, names[e.Path.App]); matches(said, query) {
				out = append(out, said)
			}
			if len(out) == auditRows {
				return out, before, nil
			}
		}
		if len(batch) < auditBatch {
			return out, 0, nil
		}
		scanned += len(batch)
	}
	return out, before, nil
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

func (s *Server) appNames(c *Call) (map[string]string, error) {
	apps, err := s.visibleApps(c)
	names := make(map[string]string, len(apps))
	for _, a := range apps {
		names[a.ID] = a.FullName()
	}
	return names, err
}

// chain checks the whole record.
func (s *Server) chain() (ui.Chain, error) {
	r, err := s.Store.VerifyEvents()
	if err != nil {
		return ui.Chain{}, err
	}
	out := ui.Chain{Checked: s.Now(), Entries: int(r.Events), Since: r.First}
	if !r.OK() {
		out.Broken, out.Problem = r.Breaks[0].Seq, r.Breaks[0].Problem
	}
	return out, nil
}
