package api

import (
	"bufio"
	"bytes"
	"io"
)

// maxEventBytes bounds one server-sent event.
const maxEventBytes = 1 << 20

// ServerEvent is one server-sent event as the HTML standard defines it (9.2.6).
type ServerEvent struct {
	ID, Name string
	Data     []byte
}

// EventReader reads a stream of server-sent events. Not safe for concurrent use.
type EventReader struct {
	lines *bufio.Scanner
	alive func() // called for every line, comments too
}

// NewEventReader reads r; alive, when not nil, is called for each line that comes, so that a quiet stream can be told
// from a dead one.
func NewEventReader(r io.Reader, alive func()) *EventReader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxEventBytes)
	s.Split(eventLines)
	return &EventReader{lines: s, alive: alive}
}

// Next returns the next event with data or io.EOF at the end of the stream. An event that the end cuts off is left out.
func (r *EventReader) Next() (ServerEvent, error) {
	var e ServerEvent
	some := false
	for r.lines.Scan() {
		if r.alive != nil {
			r.alive()
		}
		line := r.lines.Bytes()
		if len(line) == 0 {
			if some {
				return e, nil
			}
			e = ServerEvent{ID: e.ID}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			e.Name = string(value)
		case "id":
			if !bytes.ContainsRune(value, 0) {
				e.ID = string(value)
			}
		case "data":
			if some {
				e.Data = append(e.Data, '\n')
			}
			if len(e.Data)+len(value) > maxEventBytes {
				return e, bufio.ErrTooLong
			}
			e.Data, some = append(e.Data, value...), true
		}
	}
	if err := r.lines.Err(); err != nil {
		return e, err
	}
	return e, io.EOF
}

// eventLines splits at CR, LF or CRLF.
func eventLines(data []byte, atEOF bool) (int, []byte, error) {
	i := bytes.IndexAny(data, "\r\n")
	switch {
	case i < 0 && atEOF:
		return len(data), nil, nil // an unfinished line does not count
	case i < 0:
		return 0, nil, nil
	case data[i] == '\n':
		return i + 1, data[:i], nil
	case i+1 < len(data) && data[i+1] == '\n':
		return i + 2, data[:i], nil
	case i+1 == len(data) && !atEOF:
		return 0, nil, nil // the other half of CRLF may follow
	}
	return i + 1, data[:i], nil
}
