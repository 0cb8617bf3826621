package contract

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// RecordKind is what a record tells.
type RecordKind string

// The kinds of records.
const (
	Failure RecordKind = "failure" // why the build ends without an image; the last one counts
	Warning RecordKind = "warning" // what went differently than the source asks
)

// Record is what the buildpack tells the builder besides its output: a line of its own among what the source's tools
// print. Tools can print such a line too, so a record is shown and decides nothing.
type Record struct {
	Kind    RecordKind `json:"kind"`
	Message string     `json:"message"`
	Hint    string     `json:"hint,omitempty"`
}

const (
	recordMark     = "cloudsania-record: "
	maxRecordRunes = 500 // of a message, and of a hint
)

// Write writes the record as one line.
func (r Record) Write(w io.Writer) error {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s%s\n", recordMark, line)
	}
	return err
}

// ParseRecord reads a line that Write wrote, without its end; ok is false for every other line.
func ParseRecord(line string) (r Record, ok bool) {
	text, ok := strings.CutPrefix(line, recordMark)
	if !ok || json.Unmarshal([]byte(text), &r) != nil || strings.TrimSpace(r.Message) == "" {
		return Record{}, false
	}
	if r.Kind != Failure && r.Kind != Warning {
		return Record{}, false
	}
	r.Message, r.Hint = paas.Clip(r.Message, maxRecordRunes), paas.Clip(r.Hint, maxRecordRunes)
	return r, true
}
