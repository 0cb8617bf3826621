package ui

import (
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/qr"
)

// ClaimPage is the first page of a new server: whoever has the claim code becomes the owner.
type ClaimPage struct {
	Bare
	Form               // fields: claim, name, email, password, code
	Code    string     // the claim code came with the link and is known to be right
	TOTP    *Enrolment // offered; nil when it is not
	Facts   []string   // what is true about this server, in plain words
	MinPass int        // characters that a password must have
	MinTwo  int        // and with a second factor
	Action  string     // where the form goes
}

// SetupStep is one line of what setting up consists of.
type SetupStep struct{ What, Text string }

var setupSteps = []SetupStep{
	{"Show that this server is yours", "Paste one code, or follow the link"},
	{"Create your sign-in", "Name, email and password"},
	{"Put your first app online", "Upload, git push or a public repository"},
}

// Steps stand beside the form.
func (p ClaimPage) Steps() []SetupStep { return setupSteps }

// Steps stand beside the greeting.
func (p ReadyPage) Steps() []SetupStep { return setupSteps }

// Enrolment is what an authenticator app needs.
type Enrolment struct {
	Secret string // base32, for typing; it goes back with the form, so that the server need not remember it
	QR     qr.Code
}

// ReadyPage greets the new owner.
type ReadyPage struct {
	Bare
	Name    string
	Address string
	Facts   []string
}

// LoginPage asks who you are.
type LoginPage struct {
	Bare
	Form            // fields: email, password, code
	NeedCode bool   // the password was right: the code of the authenticator app is asked for
	Next     string // where to go afterwards
	Action   string
	Notice   string // why one is here, such as "You were signed out"
}

// RecoveryPage is all that answers when the database is missing although this server was set up.
type RecoveryPage struct {
	Bare
}

// ErrorPage says what is true, whether visitors are affected, and the next step. For people who are not signed in, and for when
// the frame itself cannot be made.
type ErrorPage struct {
	Bare
	Problem
}

// MissingPage is an error inside the frame.
type MissingPage struct {
	Shell
	Problem
}

// ProblemOf turns an error into a page: what is true, whether visitors are affected, the next step. request is shown for errors of ours.
func ProblemOf(e *paas.Error, request string) Problem {
	home := Problem{Label: "Go to your apps", Path: "/"}
	show := func(icon, tone, heading, text string) Problem {
		home.Icon, home.Tone, home.Heading, home.Text = icon, tone, heading, text
		return home
	}
	text := Message(e)
	switch e.Kind {
	case paas.NotFound:
		return show("help", "", "There is nothing at this address", "It may have been renamed or deleted. Or it is somebody else's.")
	case paas.Forbidden, paas.Unauthenticated:
		return show("lock", "", "You cannot do this here", text)
	case paas.Throttled:
		return show("clock", "warn", "Too many tries", text)
	case paas.Conflict, paas.Invalid, paas.TooLarge:
		return show("warn", "warn", "That did not work", text+" Nothing was changed.")
	case paas.Unavailable, paas.NoSpace:
		return show("server", "warn", "Something on this server does not answer", text+" Apps that are live are not affected.")
	case paas.Internal:
		home.Request = request
		return show("warn", "bad", "Something went wrong on our side", "Apps that are live are not affected. The server's log has the cause.")
	}
	return show("warn", "warn", "That did not work", text)
}

// Problem is an error as a page.
type Problem struct {
	Icon, Tone    string // tone: "", warn, bad
	Heading, Text string
	Label, Path   string // of the one button; "" for none
	Request       string // id of the request in the log, for errors of our own
}

// Message is an error in one line, as sentences.
func Message(e *paas.Error) string {
	text := sentence(e.Msg)
	if e.Hint != "" {
		text += " " + sentence(e.Hint)
	}
	return text
}
