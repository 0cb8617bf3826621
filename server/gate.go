package server

import (
	"mime"
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/paas"
)

// pass takes a request through the gate and, when it may, to its handler.
func (s *Server) pass(c *Call) error {
	c.limit()
	if err := s.firstRun(c); err != nil {
		return err
	}
	if err := refuseSecretInQuery(c.Request()); err != nil {
		return err
	}
	who, err := s.principal(c.Request(), c.Secure)
	if err != nil {
		return err
	}
	c.Principal = who
	if err := s.sameOrigin(c); err != nil {
		return err
	}
	if err := s.authorize(c); err != nil {
		return err
	}
	if err := s.findPlace(c); err != nil {
		return err
	}
	if err := s.Auth.KeepAlive(c.Principal); err != nil {
		return err
	}
	return s.once(c, func() error { return c.route.Handle(c) })
}

// authorize asks the gate. Who showed nothing learns nothing: the resource is not even looked up.
func (s *Server) authorize(c *Call) error {
	if c.Principal.Kind == access.Anonymous {
		if err := access.Authorize(c.Principal, c.route.Action, access.Resource{}); err != nil {
			return err
		}
		return c.checkBody()
	}
	if err := c.checkBody(); err != nil { // the resource may be named in it
		return err
	}
	r, err := c.route.Resource(c)
	if err != nil {
		return err
	}
	return access.Authorize(c.Principal, c.route.Action, r)
}

// firstRun hides everything but the claim until there is an owner, and the claim from then on. The local socket works from the start,
// and so do the tokens that only it can have made; any other credential finds nothing.
func (s *Server) firstRun(c *Call) error {
	claimed, err := s.Auth.Claimed()
	switch {
	case err != nil:
		return err
	case claimed && c.route.Claiming:
		return &paas.Error{Kind: paas.Conflict, Msg: "this server has an owner already", Hint: "sign in instead"}
	case claimed, c.route.Unclaimed, c.route.Claiming, peerOf(c.Request()).root:
		return nil
	case c.Request().Header.Get("Authorization") != "":
		if _, err := s.credentialOf(c.Request()); err == nil {
			return nil
		}
	case c.route.Page && !c.route.Mutates() && strings.Contains(c.Request().Header.Get("Accept"), "text/html"):
		return Redirect("/claim")
	}
	return NothingHere()
}

// refuseSecretInQuery keeps credentials out of addresses: those end up in histories and logs.
func refuseSecretInQuery(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	for name, values := range r.URL.Query() {
		for _, v := range values {
			if auth.LooksLikeToken(v) || name == "token" || name == "access_token" {
				return paas.Invalidf(name, "send it in the Authorization header, and revoke this one: addresses are logged on their way",
					"a token does not belong into an address")
			}
		}
	}
	return nil
}

// sameOrigin stops requests that another site makes a browser send (CSRF). Bearer tokens are exempt: a browser never adds those by
// itself. Basic credentials are not: it does, once it was asked for them. A session must also say where it comes from, which every
// browser of today does for a POST.
func (s *Server) sameOrigin(c *Call) error {
	r := c.Request()
	if !c.route.Mutates() || strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		return nil
	}
	refused := &paas.Error{Kind: paas.Forbidden, Msg: "this request came from another site", Hint: "open the page on this server and try again"}
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		refused.Err = err
		return refused
	}
	if c.Principal.Kind == access.User && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return refused
	}
	return nil
}

// checkBody refuses what is too large by its own word and what is not of the route's type.
func (c *Call) checkBody() error {
	r := c.Request()
	if r.ContentLength > c.maxBody() {
		return tooLarge(c.maxBody())
	}
	if !c.route.Mutates() || c.route.Raw || c.route.Upload || r.ContentLength == 0 || r.Body == http.NoBody {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if c.route.Page && err == nil && (kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data") {
		return nil
	}
	if c.route.Page || err != nil || kind != "application/json" {
		return paas.Invalidf("", "set Content-Type: application/json", "the request's body is of a type that is not understood here")
	}
	return nil
}
