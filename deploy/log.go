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
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

const (
	logSuffix    = ".log"
	maxLogBytes  = 16 << 20 // of one deployment
	maxLineRunes = 4000
	lineOverhead = 64       // bytes of a line beside its text
	maxLineBytes = 64 << 10 // of output that has not ended its line yet
)

// logs keeps a file per deployment and tells those who follow one what has come. The file is the truth: following
// is reading on.
type logs struct {
	dir     string
	changed *changes // deployments

	mu   sync.Mutex
	size map[string]int64 // of the logs that this process writes to; the end of a deployment takes its entry away
	kept time.Time        // when old ones were last removed
}

func newLogs(dir string) *logs {
	return &logs{dir: dir, changed: newChanges(), size: map[string]int64{}}
}

func (l *logs) path(id string) (string, error) {
	if !paas.IsID("dep", id) {
		return "", fmt.Errorf("log of %q: not a deployment's id", id)
	}
	return filepath.Join(l.dir, id+logSuffix), nil
}

// line appends one line. A log that cannot be written must not stop a deployment: the failure shows as a missing
// log, nothing else.
func (l *logs) line(id string, step paas.Step, text string) {
	p, err := l.path(id)
	if err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(p, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if _, ok := l.size[id]; !ok { // an earlier process may have written to it
		if st, err := f.Stat(); err == nil {
			l.size[id] = st.Size()
		}
	}
	if l.size[id] > maxLogBytes {
		return
	}
	line := paas.LogLine{Time: time.Now().UTC(), Step: step, Text: terminal.ColouredLine(text, maxLineRunes)}
	if l.size[id] += int64(len(line.Text)) + lineOverhead; l.size[id] > maxLogBytes {
		line.Text = "… the output is longer than 16 MB; the rest is not kept"
	}
	if rec, err := json.Marshal(line); err == nil {
		_, _ = f.Write(append(rec, '\n'))
	}
	l.changed.notify(id)
}

// end says that the deployment has ended.
func (l *logs) end(id string) {
	l.mu.Lock()
	delete(l.size, id)
	l.mu.Unlock()
	l.changed.notify(id)
}

// remove takes the log of a deleted app's deployment away.
func (l *logs) remove(id string) error {
	p, err := l.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove deployment log: %w", err)
	}
	return nil
}

// writer turns a stream of bytes into lines of one step. Safe for concurrent use.
func (l *logs) writer(id string, step paas.Step) *lineWriter {
	return &lineWriter{emit: func(s string) { l.line(id, step, s) }}
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
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole && len(w.rest) < maxLineBytes {
			return len(p), nil
		}
		w.emit(string(line))
		w.rest = rest
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

// Follow calls fn for each line of the deployment's log from number from on, then for new ones as they come, and
// returns the deployment when it is done. It ends early with fn's or the context's error; the deployment does not
// care.
func (d *Deployer) Follow(ctx context.Context, id string, from int, fn func(paas.LogLine) error) (paas.Deployment, error) {
	p, err := d.logs.path(id)
	if err != nil {
		return paas.Deployment{}, &paas.Error{Kind: paas.NotFound, Msg: "there is no such deployment"}
	}
	tail := &tail{path: p}
	defer tail.close()
	for {
		changed := d.logs.changed.next(id)
		dep, err := d.store.Deployment(id)
		if err != nil {
			return dep, err
		}
		if err := tail.read(func(l paas.LogLine) error {
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
		case <-changed:
		}
	}
}

// Log returns the log as it is now.
func (d *Deployer) Log(id string) ([]paas.LogLine, error) {
	p, err := d.logs.path(id)
	if err != nil {
		return nil, &paas.Error{Kind: paas.NotFound, Msg: "there is no such deployment"}
	}
	t := &tail{path: p}
	defer t.close()
	var out []paas.LogLine
	err = t.read(func(l paas.LogLine) error { out = append(out, l); return nil })
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

func (t *tail) read(fn func(paas.LogLine) error) error {
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
		var l paas.LogLine
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
