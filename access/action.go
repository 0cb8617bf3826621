package access

import "slices"

// Action is something that can be done to a resource. The names are stable: tokens list them.
type Action string

const (
	// Open to everybody, because they hold no credential yet or the credential is in the request itself.
	HealthRead   Action = "health.read"
	DocsRead     Action = "docs.read"     // the OpenAPI document, the UI's static files
	SessionStart Action = "session.start" // sign in
	ClaimTry     Action = "claim.try"     // present a claim
	GitOpen      Action = "git.open"      // speak to the git endpoint, which asks for GitRead, GitWrite or AppCreate itself

	OwnerCreate Action = "owner.create" // what a claim is for
	ClaimIssue  Action = "claim.issue"  // make a new claim link

	// About the principal itself.
	SelfRead      Action = "self.read"
	SelfUpdate    Action = "self.update" // name, e-mail, password, second factor
	SessionList   Action = "session.list"
	SessionRevoke Action = "session.revoke" // sign out, or end a session elsewhere

	// About the installation.
	SystemRead  Action = "system.read"
	EventVerify Action = "event.verify"
	TokenList   Action = "token.list"
	TokenCreate Action = "token.create"
	TokenRevoke Action = "token.revoke"

	// Collections: everybody signed in may ask, and gets what Authorize lets them read one by one.
	AppList   Action = "app.list"
	EventList Action = "event.list"

	SourceDetect Action = "source.detect" // plan an upload that belongs to no app yet

	// About apps.
	AppCreate        Action = "app.create" // the resource is the project or client that it will be in
	AppRead          Action = "app.read"
	AppUpdate        Action = "app.update"
	AppDelete        Action = "app.delete"
	EventRead        Action = "event.read"
	DeploymentRead   Action = "deployment.read" // its log too
	DeploymentCreate Action = "deployment.create"
	DeploymentCancel Action = "deployment.cancel"
	ReleaseRead      Action = "release.read"
	ReleaseRollback  Action = "release.rollback"
	VariableRead     Action = "variable.read" // names, never values
	VariableWrite    Action = "variable.write"
	LogRead          Action = "log.read"
	GitRead          Action = "git.read"
	GitWrite         Action = "git.write"
)

// Actions returns every action, sorted.
func Actions() []Action {
	all := make([]Action, 0, len(rules))
	for a := range rules {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Grantable returns the actions that a token may be given, sorted: all that a token can ever do.
func Grantable() []Action {
	return slices.DeleteFunc(Actions(), func(a Action) bool {
		r := rules[a]
		return r.token == never || r.anonymous != never
	})
}
