package ui

import (
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// KeysPage lists the keys that let git, the command line and other programs act for somebody.
type KeysPage struct {
	Shell
	Form    // fields: name, scope, days
	Keys    []Key
	Made    *NewKey  // just made, shown once
	Choices []Choice // what a key may do
	Ends    []Choice // how long it may live
}

// Key is one that exists.
type Key struct {
	ID, Name, Scope, Owner string // Scope in words: "Everything", "Only shop: push and deploy"
	Created, Used, Ends    time.Time
}

// NewKey is one that was made just now.
type NewKey struct{ Name, Text string }

// Choice is an option of a select.
type Choice struct{ Value, Text string }

// AccountPage is the reader's own account.
type AccountPage struct {
	Shell
	Form            // fields: name, email, current, password, code
	Section  string // which form failed: "profile", "password", "second"
	TOTP     bool
	Enrol    *Enrolment // on its way
	Sessions []Session
	MinPass  int
}

// In is the form when it belongs to that section, else an empty one: three forms share the page.
func (p AccountPage) In(section string) Form {
	if p.Section == section {
		return p.Form
	}
	return Form{}
}

// Session is a browser that is signed in.
type Session struct {
	ID            string // not the secret, nor the hash that is compared
	Agent, Addr   string // Agent in words: "Firefox on Linux"
	Created, Seen time.Time
	Current       bool
}

// Rest is how many other browsers are signed in.
func (p AccountPage) Rest() int {
	n := 0
	for _, s := range p.Sessions {
		if !s.Current {
			n++
		}
	}
	return n
}

// AuditPage is the record of everything that was done.
type AuditPage struct {
	Shell
	Chain  Chain
	Events []Event
	Query  string
	Older  string // address of the page with older entries; "" at the end
	Newer  string
}

// Chain is the result of checking the record.
type Chain struct {
	Checked time.Time // zero: not checked
	Entries int
	Since   time.Time
	Broken  uint64 // number of the first entry that does not fit; 0: none
	Problem string
}

// Event is one entry in words.
type Event struct {
	paas.Event
	Verb, Object, More string
	Tone               string // "", ok, warn, bad, info
}

// Who did it.
func (e Event) Who() string {
	switch {
	case e.Actor.Kind == paas.ActorSystem:
		return "Cloudsania"
	case e.Actor.Kind == paas.ActorRoot:
		return "Root on this server"
	case e.Actor.Kind == paas.ActorClaim && e.Actor.Name == "":
		return "Owner's claim"
	case e.Actor.Name != "":
		return e.Actor.Name
	}
	return e.Actor.ID
}
