package access

import "github.com/cloudsania/cloudsania/paas"

// reach is how far a rule lets a sort of principal go.
type reach int

const (
	never    reach = iota
	anywhere       // no resource is looked at: public things, and collections whose items are asked about one by one
	own            // what belongs to the principal itself
	within         // what is within its scope
)

// rule says who may do an action. A principal that is not named may not.
type rule struct {
	anonymous, claim, user, token, root reach
}

// rules is the whole policy. The matrix in the test repeats it in other words; the two are held against each other.
var rules = map[Action]rule{
	HealthRead:   {anonymous: anywhere, claim: anywhere, user: anywhere, token: anywhere, root: anywhere},
	DocsRead:     {anonymous: anywhere, claim: anywhere, user: anywhere, token: anywhere, root: anywhere},
	SessionStart: {anonymous: anywhere, user: anywhere},
	ClaimTry:     {anonymous: anywhere, root: anywhere},
	GitOpen:      {anonymous: anywhere, user: anywhere, token: anywhere, root: anywhere},

	OwnerCreate: {claim: anywhere, root: anywhere},
	ClaimIssue:  {root: anywhere},

	SelfRead:      {user: anywhere, token: anywhere, root: anywhere},
	SelfUpdate:    {user: own},
	SessionList:   {user: own},
	SessionRevoke: {user: own},

	SystemRead:  {user: within, token: within, root: within},
	EventVerify: {user: within, token: within, root: within},
	TokenList:   {user: within, root: within},
	TokenCreate: {user: within, root: within},
	TokenRevoke: {user: within, root: within},

	AppList:      {user: anywhere, token: anywhere, root: anywhere},
	EventList:    {user: anywhere, token: anywhere, root: anywhere},
	SourceDetect: {user: anywhere, token: anywhere, root: anywhere},

	AppCreate:        {user: within, token: within, root: within},
	AppRead:          {user: within, token: within, root: within},
	AppUpdate:        {user: within, token: within, root: within},
	AppDelete:        {user: within, token: within, root: within},
	EventRead:        {user: within, token: within, root: within},
	DeploymentRead:   {user: within, token: within, root: within},
	DeploymentCreate: {user: within, token: within, root: within},
	DeploymentCancel: {user: within, token: within, root: within},
	ReleaseRead:      {user: within, token: within, root: within},
	ReleaseRollback:  {user: within, token: within, root: within},
	VariableRead:     {user: within, token: within, root: within},
	VariableWrite:    {user: within, token: within, root: within},
	LogRead:          {user: within, token: within, root: within},
	GitRead:          {user: within, token: within, root: within},
	GitWrite:         {user: within, token: within, root: within},
}

// Authorize returns nil when p may do the action to the resource. Otherwise the error says Unauthenticated to those who
// showed no credential, whatever they asked for; NotFound for what p may not see, in the same words as for what does
// not exist; and Forbidden for what p sees but may not do.
func Authorize(p Principal, a Action, r Resource) error { return authorize(rules, p, a, r) }

func authorize(rules map[Action]rule, p Principal, a Action, r Resource) error {
	rule := rules[a] // an unknown action has the zero rule: never, for everybody
	reach := rule.of(p)
	if reach == anywhere && p.permits(rule, a) {
		return nil
	}
	if p.Kind != User && p.Kind != Token && p.Kind != Root {
		return &paas.Error{Kind: paas.Unauthenticated, Msg: "sign in first",
			Hint: "send a token in the Authorization header, or sign in with a browser"}
	}
	if rule.scoped() && !visible(p, rule, r) {
		return r.missing()
	}
	if reach == never || !p.permits(rule, a) {
		return p.forbidden(a)
	}
	return nil
}

// of is what the rule says about that sort of principal.
func (r rule) of(p Principal) reach {
	switch p.Kind {
	case Anonymous:
		return r.anonymous
	case Claim:
		return r.claim
	case User:
		if p.Role == paas.Owner {
			return r.user
		}
	case Token:
		return r.token
	case Root:
		return r.root
	}
	return never
}

// scoped reports whether the action is about a place or a person, so that who asks must be able to see it.
func (r rule) scoped() bool { return r.user >= own || r.token >= own || r.root >= own }

// visible reports whether p may know that the resource exists.
func visible(p Principal, rule rule, r Resource) bool {
	if rule.user == own { // personal things exist for their owner only
		return r.Owner != "" && r.Owner == p.User
	}
	return p.Sees(r.Path)
}

// permits applies a token's own list; what is open to everybody needs no grant.
func (p Principal) permits(rule rule, a Action) bool {
	return p.Kind != Token || rule.anonymous != never || p.may(a)
}

func (p Principal) forbidden(a Action) error {
	e := &paas.Error{Kind: paas.Forbidden, Msg: "you may not do that (" + string(a) + ")"}
	if p.Kind == Token {
		e.Msg = "this token may not do that (" + string(a) + ")"
		e.Hint = "make a token that has the action " + string(a) + ", or sign in"
	}
	return e
}
