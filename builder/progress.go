package builder

import (
	"bytes"
	"sync"

	"github.com/cloudsania/cloudsania/paas"
)

// Status is how far the images are that builds need.
type Status struct {
	Ready   bool   `json:"ready"`
	Step    string `json:"step,omitempty"`    // "base", "run", "build", "publish", "builder"; "" before the first and when ready
	Message string `json:"message,omitempty"` // a sentence for people
	Percent int    `json:"percent"`
	Err     error  `json:"-"` // why the last try failed; nil while one goes on

	failures int
}

type progress struct {
	mu      sync.Mutex
	status  Status
	changed chan struct{}
}

func newProgress() *progress {
	return &progress{status: Status{Message: "the builder has not begun yet"}, changed: make(chan struct{})}
}

// Status returns how it stands now.
func (b *Builder) Status() Status {
	b.progress.mu.Lock()
	defer b.progress.mu.Unlock()
	return b.progress.status
}

// Changed returns a channel that is closed at the next change of Status. Take it before looking at Status.
func (b *Builder) Changed() <-chan struct{} {
	b.progress.mu.Lock()
	defer b.progress.mu.Unlock()
	return b.progress.changed
}

func (p *progress) set(s Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.failures = p.status.failures
	if s.Err != nil {
		s.failures++
	} else if p.status.Err == nil && p.status == s {
		return
	}
	p.status = s
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) fail(err error) {
	e := paas.Public(err)
	p.set(Status{Message: e.Msg, Err: err})
}

// teller hears what is being done: a step, a sentence, and how much of all is done.
type teller func(step, sentence string, percent int)

// lineMeter estimates progress by counting a program's lines: they move the percentage from one mark towards another.
type lineMeter struct {
	tell           teller
	step, sentence string
	from, to       int
	lines, expect  int
	tail           tail
}

func (m *lineMeter) Write(p []byte) (int, error) {
	m.lines += bytes.Count(p, []byte("\n"))
	done := min(m.lines, m.expect)
	m.tell(m.step, m.sentence, m.from+(m.to-m.from)*done/max(1, m.expect))
	return m.tail.Write(p)
}

// tail keeps the end of an output, for errors.
type tail struct{ buf []byte }

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.buf) }
