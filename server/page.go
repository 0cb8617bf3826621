package server

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

// pageRoutes are the addresses for people.
func pageRoutes() []Route {
	if err := ui.Ready(); err != nil {
		panic(err) // a broken template stops the program and not a visitor
	}
	return slices.Concat(staticRoutes(), claimPages(), loginPages(), fleetPages(), newAppPages(), appPages(), versionPages(), deployPages(),
		logPages(), variablePages(), settingsPages(), keyPages(), auditPages(), accountPages())
}

// The header X-Part asks for less than a page: "body" for what a dialog shows, "json" for what a script wants to know.
const partHeader = "X-Part"

func (c *Call) wants(part string) bool { return c.Request().Header.Get(partHeader) == part }

// page answers with a page, or the body of one where a dialog asks for it.
func (c *Call) page(status int, p ui.Page) error {
	render := ui.Render
	if c.wants("body") {
		render = ui.Body
	}
	var buf bytes.Buffer
	if err := render(&buf, p); err != nil {
		return err
	}
	head := c.Response().Header()
	head.Set("Vary", partHeader+", Accept-Encoding, Cookie")
	if c.Request().Method != http.MethodGet || !acceptsGzip(c.Request()) { // answers to forms may hold a secret: those are not compressed
		return c.HTMLBlob(status, buf.Bytes())
	}
	head.Set("Content-Encoding", "gzip")
	head.Set("Content-Type", "text/html; charset=UTF-8")
	c.Response().WriteHeader(status)
	zw := gzip.NewWriter(c.Response())
	_, _ = zw.Write(buf.Bytes()) // a visitor who is gone needs no answer
	_ = zw.Close()
	return nil
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// went answers a form that did what it should: with the page to go to, and a word about it that is shown there once.
func (c *Call) went(to, flash string) error {
	c.setFlash(flash)
	if c.wants("json") {
		return c.JSON(http.StatusOK, map[string]string{"go": to})
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// correctable reports whether err is something that the person can put right in the form: then the form is shown again with it.
func correctable(err error) bool {
	for _, k := range []paas.Kind{paas.Invalid, paas.Conflict, paas.Unauthenticated, paas.TooLarge, paas.Throttled, paas.NotFound, paas.NoSpace, paas.Failed} {
		if paas.IsKind(err, k) {
			return true
		}
	}
	e := paas.Public(err)
	return e.Kind == paas.Forbidden && e.Field != ""
}

func errorKind(err error) paas.Kind { return paas.Public(err).Kind }

// form is what was sent, with only the named fields kept for showing again. Passwords are never among them.
func (c *Call) form(names ...string) (map[string]string, error) {
	all, err := c.values()
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(names))
	for _, n := range names {
		out[n] = strings.TrimSpace(all.Get(n))
	}
	return out, nil
}

// values are all fields of the form, as they were sent.
func (c *Call) values() (url.Values, error) {
	if err := c.Request().ParseForm(); err != nil {
		return nil, bodyError(err)
	}
	return c.Request().PostForm, nil
}

// failPage tells a person what went wrong.
func (s *Server) failPage(c *Call, e *paas.Error, status int) {
	if c.wants("json") {
		_ = c.JSON(status, map[string]string{"message": ui.Message(e), "field": e.Field}) // a visitor who is gone needs no answer
		return
	}
	problem := ui.ProblemOf(e, c.RequestID())
	if c.route.Claiming && e.Kind == paas.Conflict {
		problem = ui.Problem{Icon: "lock", Heading: "This server has its owner already", Text: "A claim works once.", Label: "Sign in", Path: "/login"}
	}
	var p ui.Page = ui.ErrorPage{Bare: ui.Bare{Title: problem.Heading}, Problem: problem}
	if c.Principal.Kind == access.User { // a program with a token needs no frame
		if shell, err := s.shell(c, problem.Heading, "", ui.Crumb{Text: problem.Heading}); err == nil {
			p = ui.MissingPage{Shell: shell, Problem: problem}
		}
	}
	if err := c.page(status, p); err != nil {
		s.Log.Error("an error page failed", "request", c.RequestID(), "err", err)
		_ = c.String(status, ui.Message(e)+"\n")
	}
}
