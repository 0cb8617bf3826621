package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"

	"github.com/cloudsania/cloudsania/paas"
)

// command asks for one reference to be moved.
type command struct {
	name     string // as the client wrote it, any bytes but NUL and newline
	old, new plumbing.Hash
}

// request is a push before its pack (gitprotocol-pack(5), "Reference Update Request").
type request struct {
	commands []command
	caps     map[string]bool // such as "side-band-64k"; "agent=…" as it is
	options  []string
	shallow  bool // the client has only a part of its history
	seen     map[string]bool
}

const (
	hexLen          = 40
	maxRefBytes     = 250
	maxCapsBytes    = 1000
	maxOptions      = 32
	maxOptionBytes  = 1000
	maxShallowLines = 10_000
)

// readRequest reads up to where the pack begins and not one byte further. A request without commands is what clients
// send to try their credentials before a large upload.
func readRequest(r io.Reader, maxCommands int) (*request, error) {
	q := &request{caps: map[string]bool{}, seen: map[string]bool{}}
	lines := pktline.NewScanner(r)
	shallows := 0
	for {
		line, err := next(lines)
		if err != nil {
			return nil, err
		}
		if line == nil {
			break
		}
		if bytes.HasPrefix(line, []byte("shallow ")) {
			q.shallow = true
			if shallows++; shallows > maxShallowLines {
				return nil, malformed("too many shallow lines")
			}
			continue
		}
		if len(q.commands) == maxCommands {
			return nil, &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("the push changes more than %d branches and tags", maxCommands),
				Hint: "push them in several steps"}
		}
		if err := q.add(line); err != nil {
			return nil, err
		}
	}
	if !q.caps["push-options"] || len(q.commands) == 0 {
		return q, nil
	}
	return q, q.readOptions(lines)
}

// next returns the next line without its newline; nil for a flush.
func next(lines *pktline.Scanner) ([]byte, error) {
	if !lines.Scan() {
		if err := lines.Err(); err != nil {
			return nil, malformed(err.Error())
		}
		return nil, malformed(io.ErrUnexpectedEOF.Error())
	}
	line := lines.Bytes()
	if len(line) == 0 {
		return nil, nil
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// add takes "old new name", on the first line followed by NUL and the capabilities.
func (q *request) add(line []byte) error {
	text, caps, first := strings.Cut(string(line), "\x00")
	if first != (len(q.commands) == 0) {
		return malformed("capabilities belong to the first command")
	}
	if strings.HasPrefix(text, "push-cert") {
		return paas.Invalidf("", "push without --signed", "signed pushes are not supported")
	}
	if len(text) < 2*hexLen+3 || text[hexLen] != ' ' || text[2*hexLen+1] != ' ' {
		return malformed("not a command")
	}
	c := command{name: text[2*hexLen+2:]}
	for at, to := range map[int]*plumbing.Hash{0: &c.old, hexLen + 1: &c.new} {
		hex := text[at : at+hexLen]
		if !plumbing.IsHash(hex) {
			return malformed("not a hash")
		}
		*to = plumbing.NewHash(hex)
	}
	if len(c.name) > maxRefBytes || len(caps) > maxCapsBytes {
		return malformed("a name is too long")
	}
	if q.seen[c.name] {
		return malformed("one reference twice")
	}
	q.seen[c.name] = true
	for _, word := range strings.Fields(caps) {
		if format, ok := strings.CutPrefix(word, "object-format="); ok && format != "sha1" {
			return paas.Invalidf("", `make the repository again with "git init --object-format=sha1"`,
				"repositories with %s hashes are not supported", paas.Clip(format, 20))
		}
		q.caps[word] = true
	}
	q.commands = append(q.commands, c)
	return nil
}

func (q *request) readOptions(lines *pktline.Scanner) error {
	for {
		line, err := next(lines)
		if err != nil || line == nil {
			return err
		}
		if len(q.options) == maxOptions || len(line) > maxOptionBytes {
			return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("more than %d push options, or one of more than %d bytes", maxOptions, maxOptionBytes),
				Hint: "push with fewer -o"}
		}
		q.options = append(q.options, string(line))
	}
}

// hasPack reports whether a pack follows: only deletions come without.
func (q *request) hasPack() bool {
	for _, c := range q.commands {
		if !c.new.IsZero() {
			return true
		}
	}
	return false
}

// malformed is the error for what no git client sends.
func malformed(what string) error {
	return &paas.Error{Kind: paas.Invalid, Msg: "the push is not valid",
		Hint: "was the connection cut? try again", Err: errors.New(what)}
}
