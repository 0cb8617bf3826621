// Package page is the dashboard: each handler turns a request into a use case of control or auth, and what comes back into a page of
// package ui. Nothing is decided here.
package page

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// Options are what the pages are made of.
type Options struct {
	Control *control.Control
	Auth    *auth.Authenticator
	Meter   *meter.Meter
	Version string
	Now     func() time.Time // nil: time.Now
}

// Pages are all pages.
type Pages struct{ frame }

// New makes the pages. A broken template stops the program here, and not a visitor later.
func New(o Options) (*Pages, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pages{frame{ctl: o.Control, who: o.Auth, meter: o.Meter, seen: &seen{}, version: o.Version, now: o.Now}}, ui.Ready()
}

// Routes are the addresses for people.
func (p *Pages) Routes() []server.Route {
	f := p.frame
	all := slices.Concat(static{}.routes(), claims{f}.routes(), logins{f}.routes(), newFleet(f).routes(), newApps{f}.routes(), apps{f}.routes(),
		versions{f}.routes(), rollbacks{f}.routes(), deploys{f}.routes(), output{f}.routes(), variables{f}.routes(), settings{f}.routes(),
		keys{f}.routes(), audit{f}.routes(), accounts{f}.routes())
	for i := range all {
		all[i].Page = true
	}
	return all
}

// The header X-Part asks for less than a page: "body" for what a dialog shows, "json" for what a script wants to know.
const partHeader = "X-Part"

func wantsFragment(c *server.Call, part string) bool {
	return c.Request().Header.Get(partHeader) == part
}

// compression takes a quarter of the time of the default and makes pages a tenth larger.
const compression = 3

// compressors are used again: each has tables of more than a megabyte.
var compressors = sync.Pool{New: func() any {
	zw, err := gzip.NewWriterLevel(io.Discard, compression)
	if err != nil {
		panic(err) // there is no such level: a mistake of ours
	}
	return zw
}}

// answer sends a page, or the body of one where a dialog asks for it.
func answer(c *server.Call, status int, p ui.Page) error {
	render := ui.Render
	if wantsFragment(c, "body") {
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
	zw := compressors.Get().(*gzip.Writer)
	defer compressors.Put(zw)
	zw.Reset(c.Response())
	head.Set("Content-Encoding", "gzip")
	head.Set("Content-Type", "text/html; charset=UTF-8")
	c.Response().WriteHeader(status)
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

// redirectAfterPost answers a form that did what it should: with the page to go to, and a word about it that is shown there once.
func redirectAfterPost(c *server.Call, to, flash string) error {
	setFlash(c, flash)
	if wantsFragment(c, "json") {
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

// statusOf is the HTTP status of a form that is shown again.
func statusOf(err error) int { return paas.Public(err).Kind.HTTPStatus() }

// inField puts an error beside another field.
func inField(err error, field string) error {
	e := paas.Public(err)
	e.Field = field
	return e
}

// Fail tells a person what went wrong.
func (p *Pages) Fail(c *server.Call, e *paas.Error) {
	status := e.Kind.HTTPStatus()
	if wantsFragment(c, "json") {
		_ = c.JSON(status, map[string]string{"message": ui.Message(e), "field": e.Field}) // a visitor who is gone needs no answer
		return
	}
	problem := ui.ProblemOf(e, c.RequestID())
	if c.Route().Claiming && e.Kind == paas.Conflict {
		problem = ui.Problem{Icon: "lock", Heading: "This server has its owner already", Text: "A claim works once.", Label: "Sign in", Path: "/login"}
	}
	var page ui.Page = ui.ErrorPage{Bare: ui.Bare{Title: problem.Heading}, Problem: problem}
	if c.Principal.Kind == access.User { // a program with a token needs no frame
		if shell, err := p.shell(c, problem.Heading, "", ui.Crumb{Text: problem.Heading}); err == nil {
			page = ui.MissingPage{Shell: shell, Problem: problem}
		}
	}
	if err := answer(c, status, page); err != nil {
		_ = c.String(status, ui.Message(e)+"\n")
	}
}
