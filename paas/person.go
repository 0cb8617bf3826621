package paas

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// MaxEmail is the longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3).
const MaxEmail = 254

const (
	maxPersonName = 100
	maxTokenName  = 100
	maxNetworks   = 50
)

// User is a person who can sign in.
type User struct {
	ID, Name, Email string
	Role            Role       `json:"-"` // in the team, by the membership there; filled in when it is read
	PasswordHash    string     // argon2id in PHC string format
	TOTP            bool       // a second factor is asked for
	Identities      []Identity `json:",omitempty"` // by which the person can sign in elsewhere
	Disabled        bool
	Epoch           int // sessions of an older epoch are void: it grows with the password, the second factor and Disabled
	Created         time.Time
	Life
}

// Trimmed is the person with name and address in the form that they are kept in.
func (u User) Trimmed() User {
	u.Name, u.Email = strings.TrimSpace(u.Name), NormalEmail(u.Email)
	return u
}

// Validate tells whether the person's details can be kept.
func (u User) Validate() error {
	name, domain, ok := strings.Cut(u.Email, "@")
	if !ok || name == "" || domain == "" || len(u.Email) > MaxEmail || strings.ContainsAny(u.Email, " \t\r\n\x00/") {
		return Invalidf("email", "write it like name@example.com", "%q cannot be an e-mail address", Clip(u.Email, 60))
	}
	if len(u.Name) > maxPersonName {
		return Invalidf("name", "", "a name can have at most %d characters", maxPersonName)
	}
	if u.PasswordHash == "" || len(u.PasswordHash) > maxSettingBytes {
		return Invalidf("password", "", "there is no password")
	}
	for _, i := range u.Identities {
		if i.Provider == "" || i.Subject == "" || strings.Contains(i.Provider, "/") || len(i.Provider)+len(i.Subject) > maxSettingBytes {
			return Invalidf("identities", "", "an identity needs a provider and the person's id there")
		}
	}
	return nil
}

// NormalEmail is an address in the form that it is kept and looked up in.
func NormalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// Identity is who a person is elsewhere. Two persons never share one.
type Identity struct {
	Provider string // such as the host name of an OpenID provider
	Subject  string // the person's id there, which never changes
}

// Membership gives a person a role at a place in the hierarchy and below it.
type Membership struct {
	ID, User string
	Path     Path
	Role     Role
	Created  time.Time
	Life
}

// Role names what a person may do where they are a member.
type Role string

// Owner may do everything.
const Owner Role = "owner"

// RoleDefinition says what a role is; roles are data.
type RoleDefinition struct {
	Name    Role
	Actions []string // access.Action names; "*" is every one
	BuiltIn bool     // it can neither be changed nor deleted
	Created time.Time
	Life
}

// Session is a signed-in browser. Only a hash of its secret is kept.
type Session struct {
	Hash, User, UserAgent, Addr string
	Epoch                       int
	Created, Seen, Expires      time.Time
	Authenticated               time.Time // when the person last proved who they are
	How                         []Factor  // with what
}

// Factor is a way to prove who one is.
type Factor string

const (
	FactorPassword Factor = "password"
	FactorTOTP     Factor = "totp"
	FactorIdentity Factor = "identity"
)

// Factors are what the person is asked for.
func (u User) Factors() []Factor {
	if u.TOTP {
		return []Factor{FactorPassword, FactorTOTP}
	}
	return []Factor{FactorPassword}
}

// Token is a scoped credential for git, the API and the CLI. Only a hash of its secret is kept.
type Token struct {
	ID, Name, Hash, User string
	Kind                 TokenKind
	Scope                Path           // {Team} for all; deeper to narrow
	Actions              []string       // access.Action names; empty means every action within the scope
	Networks             []netip.Prefix `json:",omitempty"` // that it can be used from; empty: any
	Created              time.Time
	Expires              time.Time // zero: never
	LastUsed             time.Time
	Life
}

// TokenKind is who uses a token.
type TokenKind string

const (
	TokenPerson    TokenKind = "person"     // User, for whom it acts
	TokenService   TokenKind = "service"    // a program of nobody in particular
	TokenAgent     TokenKind = "agent"      // an agent that acts for User
	TokenDeployKey TokenKind = "deploy_key" // reads the code of one app
)

// Validate tells whether the token can be kept.
func (t Token) Validate() error {
	if t.Name == "" || len(t.Name) > maxTokenName {
		return Invalidf("name", "say what it is for, like \"laptop\"", "a token needs a name of at most %d characters", maxTokenName)
	}
	if !slices.Contains([]TokenKind{TokenPerson, TokenService, TokenAgent, TokenDeployKey}, t.Kind) {
		return Invalidf("kind", "", "%q is no kind of token", Clip(string(t.Kind), 30))
	}
	if len(t.Networks) > maxNetworks {
		return Invalidf("networks", "name larger networks", "a token can be bound to at most %d networks", maxNetworks)
	}
	for _, n := range t.Networks {
		if !n.IsValid() || n != n.Masked() {
			return Invalidf("networks", "write it like 203.0.113.0/24", "%q is no network", n)
		}
	}
	return nil
}

// CheckAddr is Forbidden when the token cannot be used from that client address.
func (t Token) CheckAddr(addr string) error {
	from, err := netip.ParseAddr(addr)
	inside := func(n netip.Prefix) bool { return err == nil && n.Contains(from.Unmap()) }
	if len(t.Networks) == 0 || slices.ContainsFunc(t.Networks, inside) {
		return nil
	}
	return &Error{Kind: Forbidden, Msg: fmt.Sprintf("the token %q cannot be used from %q", t.Name, addr),
		Hint: "use it within the networks that it is bound to, or make another one"}
}

// Claim is the one-time right to become the owner.
type Claim struct {
	Hash    string
	Expires time.Time // zero: valid until used
}
