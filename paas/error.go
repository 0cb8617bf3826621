package paas

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an Error is: HTTPStatus maps it for clients of HTTP, a table of the command line to exit codes.
type Kind string

const (
	Internal        Kind = "internal"        // our fault; the cause is in the log
	Invalid         Kind = "invalid"         // the input is wrong; Field may name which
	NotFound        Kind = "not_found"       // or not visible to the asker: the two look the same
	Conflict        Kind = "conflict"        // the name is taken, the state does not allow it
	Unauthenticated Kind = "unauthenticated" // no or wrong credentials
	Forbidden       Kind = "forbidden"       // known, but not allowed
	Throttled       Kind = "throttled"       // too many tries; later
	TooLarge        Kind = "too_large"       // over a limit that the message names
	Unavailable     Kind = "unavailable"     // something we need does not answer (Docker, the database)
	Failed          Kind = "failed"          // the user's build, release command or app failed
	Cancelled       Kind = "cancelled"       // somebody stopped it
	NoSpace         Kind = "no_space"        // the disk is full
)

// Error speaks twice: Msg and Hint to the person, Err to the log. Msg says what happened, Hint what to do next; both in lower case
// without a full stop, naming the thing in quotes. Field names the form field or JSON member that is wrong, if one is.
type Error struct {
	Kind  Kind
	Msg   string
	Hint  string
	Field string
	Err   error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.Err)
	}
	return e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// Public is what may be shown of err: its outermost *Error without the cause, or "internal error" for anything unknown. Never nil.
func Public(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return &Error{Kind: e.Kind, Msg: e.Msg, Hint: e.Hint, Field: e.Field}
	}
	return &Error{Kind: Internal, Msg: "internal error", Hint: "the server's log has the cause; nothing that is live was changed"}
}

// IsKind reports whether err is, or wraps, an *Error of that kind.
func IsKind(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// Invalidf is a shorthand for the commonest Error: a named field is wrong.
func Invalidf(field, hint, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Field: field, Hint: hint, Msg: fmt.Sprintf(format, args...)}
}
