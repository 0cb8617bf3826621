// Package rest is the JSON API: each handler turns a request into a use case of control or auth, and what comes back into a wire type of
// package api. Nothing is decided here.
package rest

import (
	"slices"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
)

// Routes are the addresses of the API. They include the document that describes them all.
func Routes(ctl *control.Control, who *auth.Authenticator, version string) ([]server.Route, error) {
	doc := &document{}
	all := slices.Concat(
		system{ctl: ctl, version: version, doc: doc}.routes(),
		claims{who: who, ctl: ctl}.routes(),
		accounts{who: who}.routes(),
		tokens{ctl}.routes(),
		apps{ctl}.routes(),
		variables{ctl}.routes(),
		releases{ctl}.routes(),
		output{ctl}.routes(),
		deployments{ctl}.routes(),
		events{ctl}.routes(),
	)
	var err error
	doc.json, err = openAPI(all, version)
	return all, err
}
