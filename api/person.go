package api

import "time"

// Me is who the request's credential stands for.
type Me struct {
	Kind  string `json:"kind"` // user, token, root
	User  *User  `json:"user,omitempty"`
	Token *Token `json:"token,omitempty"`
}

// User is a person who can sign in.
type User struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Role    string    `json:"role"`
	TOTP    bool      `json:"totp"` // a second factor is asked for
	Created time.Time `json:"created"`
}

// UpdateMe changes what is given.
type UpdateMe struct {
	Name     *string `json:"name,omitempty"`
	Email    *string `json:"email,omitempty"`
	Password string  `json:"password,omitempty"` // the present one: needed for the e-mail
}

// ChangePassword ends every other session.
type ChangePassword struct {
	Password string `json:"password"` // the present one
	New      string `json:"new"`
}

// Claim makes the owner of an installation that has none.
type Claim struct {
	Claim    string `json:"claim"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Secret   string `json:"secret,omitempty"` // second factor: what Enrolment gave
	Code     string `json:"code,omitempty"`   // and what the authenticator app shows
}

// StartEnrolment asks for a second factor before there is an owner.
type StartEnrolment struct {
	Claim string `json:"claim"`
	Email string `json:"email,omitempty"`
}

// EnrolmentSecret is what an authenticator app needs. It is handed out once, and nothing is kept before Enrol proves
// that it works.
type EnrolmentSecret struct {
	Secret string `json:"secret"` // base32
	URI    string `json:"uri"`
	QR     string `json:"qr"` // an SVG element
}

// Enrol turns the second factor on.
type Enrol struct {
	Secret   string `json:"secret"`
	Code     string `json:"code"`
	Password string `json:"password"`
}

// ConfirmPassword proves that it is still the same person.
type ConfirmPassword struct {
	Password string `json:"password"`
}

// ClaimLink is a new right to become the owner; the one before it is void. Both members are absent while a claim secret
// that was chosen beforehand is open: that one stays.
type ClaimLink struct {
	URL     string    `json:"url,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// Login signs a browser in. Code is needed when the person has a second factor.
type Login struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Code     string `json:"code,omitempty"`
}

// Session is a signed-in browser.
type Session struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current"`
	UserAgent string    `json:"user_agent"`
	Addr      string    `json:"addr"`
	Created   time.Time `json:"created"`
	Seen      time.Time `json:"seen"`
	Expires   time.Time `json:"expires"`
}

// Sessions is a list, the latest seen first.
type Sessions struct {
	Sessions []Session `json:"sessions"`
}

// Token is a scoped credential, without its text.
type Token struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	App      string     `json:"app,omitempty"`     // id, when it reaches only that app
	Project  string     `json:"project,omitempty"` // id, when it reaches only that project
	Client   string     `json:"client,omitempty"`  // id, when it reaches only that client
	Actions  []string   `json:"actions"`           // empty: every action that a token can have
	Created  time.Time  `json:"created"`
	Expires  *time.Time `json:"expires,omitempty"`
	LastUsed *time.Time `json:"last_used,omitempty"`
}

// Tokens is a list, newest first.
type Tokens struct {
	Tokens []Token `json:"tokens"`
}

// CreateToken asks for a token. App narrows it to one app (name or id). Days 0 means 90, -1 that it never expires.
type CreateToken struct {
	Name    string   `json:"name"`
	App     string   `json:"app,omitempty"`
	Actions []string `json:"actions,omitempty"`
	Days    int      `json:"days,omitempty"`
}

// NewToken is the only answer that has a token's text.
type NewToken struct {
	Token
	Text string `json:"token"`
}
