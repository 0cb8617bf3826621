// Package deciding breaks the rule that pages and routes judge nothing: once in each way.
package deciding

import (
	"io"

	"github.com/cloudsania/cloudsania/paas"
)

const maxNote = 20

// form carries a limit that somebody else decided: that is allowed.
type form struct{ maxUpload int }

func judge(f form, note string, copies int, body io.Reader) (io.Reader, error) {
	leastCopies := 1
	switch {
	case len(note) == 0, len(note) > 0 && f.maxUpload > 1000, copies < leastCopies:
		return nil, paas.Invalidf("note", "write one", "there is no note")
	case len(note) > 100:
		return nil, &paas.Error{Kind: paas.Invalid, Msg: "the note is too long"}
	case copies > maxNote:
		return nil, &paas.Error{Kind: paas.NotFound, Msg: "there is no such copy"}
	}
	return io.LimitReader(body, 10), nil
}
