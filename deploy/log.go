package deploy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxLogBytes  = 16 << 20 // of one deployment
	maxLineRunes = 4000
)

// LogLine is a line of a deployment's log, numbered from 0.
type LogLine struct {
	N    int       `json:"-"`
	Time time.Time `json:"t"`
	Step paas.Step `json:"s"`
	Text string    `json:"x"`
}

// logbook keeps a log file per deployment and wakes those who follow one. The file is the truth: following is reading on.
type logbook struct {
	dir string

	mu    sync.Mutex
	bells map[string]chan struct{} // closed and replaced when something was written
	sizes map[string]int64
}

func newLogbook(dir string) *logbook {
	return &logbook{dir: dir, bells: map[string]chan struct{}{}, sizes: map[string]int64{}}
}

func (b *logbook) path(id string) (string, error) {
	if !paas.IsID("dep", id) {
		return "", fmt.Errorf("log of %q: not a deployment's id", id)
	}
	return filepath.Join(b.dir, id+".log"), nil
}

// line appends one line. A log that cannot be written must not stop a deployment: the failure shows as a missing log, nothing else.
func (b *logbook) line(id string, step paas.Step, text string) {
	p, err := b.path(id)
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sizes[id] > maxLogBytes {
		return
	}
	rec, err := json.Marshal(LogLine{Time: time.Now().UTC(), Step: step, Text: cleanLine(text)})
	if err != nil {
		return
	}
	if b.sizes[id] += int64(len(rec)); b.sizes[id] > maxLogBytes {
		rec, _ = json.Marshal(LogLine{Time: time.Now().UTC(), Step: step, Text: "… the output is longer than 16 MB; the rest is not kept"})
	}
	f, err := os.OpenFile(p, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.Write(append(rec, '\n'))
	_ = f.Close()
	b.ring(id)
}

// remove takes the log of a deleted app's deployment away.
func (b *logbook) remove(id string) error {
	p, err := b.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove deployment log: %w", err)
	}
	return nil
}

// wake tells followers to look again, for a change of status that wrote no line.
func (b *logbook) wake(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring(id)
}

func (b *logbook) ring(id string) {
	if c := b.bells[id]; c != nil {
		close(c)
		delete(b.bells, id)
	}
}

// bell is closed at the next write.
func (b *logbook) bell(id string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bells[id] == nil {
		b.bells[id] = make(chan struct{})
	}
	return b.bells[id]
}

// writer turns a stream of bytes into lines of one step. Safe for concurrent use.
func (b *logbook) writer(id string, step paas.Step) *lineWriter {
	return &lineWriter{emit: func(s string) { b.line(id, step, s) }}
}

type lineWriter struct {
	emit func(string)
	mu   sync.Mutex
	rest []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 && len(w.rest) < 64<<10 {
			return len(p), nil
		}
		if i < 0 {
			i = len(w.rest) - 1
		}
		w.emit(string(w.rest[:i]))
		w.rest = w.rest[i+1:]
	}
}

// Flush emits an unfinished last line.
func (w *lineWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit(string(w.rest))
		w.rest = nil
	}
}

// cleanLine makes a stranger's output safe to show anywhere: no control characters, no terminal sequences, no bidirectional tricks.
func cleanLine(s string) string {
	if i := strings.LastIndexByte(strings.TrimRight(s, "\r"), '\r'); i >= 0 {
		s = s[i+1:] // a progress bar: what a terminal would show in the end
	}
	var out strings.Builder
	n := 0
	for i := 0; i < len(s) && n < maxLineRunes; {
		if s[i] == 0x1b {
			i += escapeLength(s[i:])
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '\t':
			out.WriteByte(' ')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			continue
		default:
			out.WriteRune(r)
		}
		n++
	}
	return out.String()
}

// escapeLength is how many bytes the terminal sequence at the start of s takes: CSI up to its final byte, OSC up to BEL or ST, else two.
func escapeLength(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']':
		if i := strings.IndexByte(s, 0x07); i >= 0 {
			return i + 1
		}
		if i := strings.Index(s, "\x1b\\"); i >= 0 {
			return i + 2
		}
		return len(s)
	}
	return 2
}

// Follow calls fn for each line of the deployment's log from number from on, then for new ones as they come, and returns the
// deployment when it is done. It ends early with fn's or the context's error; the deployment does not care.
func (d *Deployer) Follow(ctx context.Context, id string, from int, fn func(LogLine) error) (paas.Deployment, error) {
	p, err := d.book.path(id)
	if err != nil {
		return paas.Deployment{}, &paas.Error{Kind: paas.NotFound, Msg: "there is no such deployment"}
	}
	tail := &tail{path: p}
	defer tail.close()
	for {
		bell := d.book.bell(id) // before looking, so that nothing written in between is missed
		dep, err := d.store.Deployment(id)
		if err != nil {
			return dep, err
		}
		if err := tail.read(func(l LogLine) error {
			if l.N < from {
				return nil
			}
			return fn(l)
		}); err != nil {
			return dep, err
		}
		if dep.Status.Done() {
			return dep, nil
		}
		select {
		case <-ctx.Done():
			return dep, ctx.Err()
		case <-bell:
		case <-time.After(5 * time.Second): // a line written by an earlier process has no bell
		}
	}
}

// Log returns the log as it is now.
func (d *Deployer) Log(id string) ([]LogLine, error) {
	p, err := d.book.path(id)
	if err != nil {
		return nil, &paas.Error{Kind: paas.NotFound, Msg: "there is no such deployment"}
	}
	t := &tail{path: p}
	defer t.close()
	var out []LogLine
	err = t.read(func(l LogLine) error { out = append(out, l); return nil })
	return out, err
}

// tail reads whole lines of a growing file.
type tail struct {
	path string
	f    *os.File
	r    *bufio.Reader
	part []byte
	n    int
}

func (t *tail) read(fn func(LogLine) error) error {
	if t.f == nil {
		f, err := os.Open(t.path)
		if errors.Is(err, os.ErrNotExist) {
			return nil // nothing was logged yet
		}
		if err != nil {
			return fmt.Errorf("open deployment log: %w", err)
		}
		t.f, t.r = f, bufio.NewReader(f)
	}
	for {
		b, err := t.r.ReadBytes('\n')
		t.part = append(t.part, b...)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read deployment log: %w", err)
		}
		var l LogLine
		if json.Unmarshal(t.part, &l) == nil { // a line torn by a crash is left out
			l.N = t.n
			if err := fn(l); err != nil {
				return err
			}
		}
		t.n++
		t.part = t.part[:0]
	}
}

func (t *tail) close() {
	if t.f != nil {
		_ = t.f.Close()
	}
}
