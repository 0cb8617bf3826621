package access

import (
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// Resource is what an action is about. Its zero value is no resource: only actions that need none accept it.
type Resource struct {
	Kind  string    // "app", "deployment"…: for the message
	Asked string    // the name or id as the asker wrote it: for the message, so that a foreign thing and a missing one read alike
	Path  paas.Path // where it is
	Owner string    // user id, of what belongs to one person
}

// missing is the one answer for what is not there and for what may not be seen.
func (r Resource) missing() error {
	return &paas.Error{Kind: paas.NotFound, Msg: r.Message(),
		Hint: "check the name; a token sees only what is within its scope"}
}

// Message says that there is no such thing.
func (r Resource) Message() string {
	kind := r.Kind
	if kind == "" {
		kind = "page"
	}
	return fmt.Sprintf("there is no %s %q", kind, paas.Clip(r.Asked, 80))
}

// Absent says that the asked-for thing does not exist. Authorize answers it like one that may not be seen.
func Absent(kind, asked string) Resource { return Resource{Kind: kind, Asked: asked} }
