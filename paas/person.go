package paas

import "time"

// User is a person who can sign in.
type User struct {
	ID, Name, Email string
	Role            Role
	PasswordHash    string // argon2id in PHC string format
	TOTP            bool   // a second factor is asked for
	Disabled        bool
	Epoch           int // sessions of an older epoch are void: it grows with the password, the second factor and Disabled
	Created         time.Time
	Life
}

// Role is what a person may do in the team. Owner is the only one.
type Role string

// Owner may do everything.
const Owner Role = "owner"

// Session is a signed-in browser. Only a hash of its secret is kept.
type Session struct {
	Hash, User, UserAgent, Addr string
	Epoch                       int
	Created, Seen, Expires      time.Time
}

// Token is a scoped credential for git, the API and the CLI. Only a hash of its secret is kept.
type Token struct {
	ID, Name, Hash, User string
	Scope                Path     // {Team} for all; deeper to narrow
	Actions              []string // access.Action names; empty means every action within the scope
	Created              time.Time
	Expires              time.Time // zero: never
	LastUsed             time.Time
	Life
}

// Claim is the one-time right to become the owner.
type Claim struct {
	Hash    string
	Expires time.Time // zero: valid until used
}
