package proxy

import (
	"errors"
	"io/fs"
	"net/http"
	"sync"
	"time"

	acmeproto "github.com/mholt/acmez/v3/acme"
)

var (
	errNotPublic  = errors.New("a public authority certifies only public names and addresses")
	errUnresolved = errors.New("the name has no address in the DNS yet")
)

// refusals are the waits after an authority has refused a host: at most three a first hour, where Let's Encrypt allows five.
var refusals = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}

// absences are the waits while the authority or the name cannot be found, which costs nobody anything.
var absences = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}

const (
	rateLimited = time.Hour
	maxErrorLen = 500
)

// cool is a host's failures in a row.
type cool struct {
	Failures int       `json:"failures"`
	Next     time.Time `json:"next"`
	Error    string    `json:"error"`
	Never    bool      `json:"-"` // trying again is of no use
}

// cooling keeps the failures over restarts: otherwise a crash loop would use up the authority's patience.
type cooling struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	file coolingFile
}

type coolingFile struct {
	CA    string          `json:"ca"`
	Hosts map[string]cool `json:"hosts"`
}

// openCooling is usable also when it returns an error: then it knows nothing.
func openCooling(path, ca string, now func() time.Time) (*cooling, error) {
	c := &cooling{path: path, now: now}
	err := readSealed(path, &c.file)
	if err != nil || c.file.CA != ca || c.file.Hosts == nil {
		c.file = coolingFile{CA: ca, Hosts: map[string]cool{}}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return c, err
}

func (c *cooling) get(host string) cool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Hosts[host]
}

func (c *cooling) clear(host string) {
	c.mu.Lock()
	_, had := c.file.Hosts[host]
	delete(c.file.Hosts, host)
	c.mu.Unlock()
	if had {
		c.save()
	}
}

// failed notes a failure and says when to try again.
func (c *cooling) failed(host string, err error) cool {
	c.mu.Lock()
	h := c.file.Hosts[host]
	h.Failures++
	h.Error = explain(err)
	h.Never = errors.Is(err, errNotPublic)
	h.Next = c.now().Add(pause(err, h.Failures))
	c.file.Hosts[host] = h
	for other, o := range c.file.Hosts {
		if c.now().Sub(o.Next) > 30*24*time.Hour {
			delete(c.file.Hosts, other)
		}
	}
	c.mu.Unlock()
	c.save()
	return h
}

// save is best effort: without the file, only a restart forgets.
func (c *cooling) save() {
	c.mu.Lock()
	copied := coolingFile{CA: c.file.CA, Hosts: make(map[string]cool, len(c.file.Hosts))}
	for host, h := range c.file.Hosts {
		copied.Hosts[host] = h
	}
	c.mu.Unlock()
	_ = writeSealed(c.path, copied)
}

func pause(err error, failures int) time.Duration {
	table := absences
	var problem acmeproto.Problem
	if errors.As(err, &problem) {
		if problem.Status == http.StatusTooManyRequests || problem.Type == acmeproto.ProblemTypeRateLimited {
			return rateLimited
		}
		if problem.Status < http.StatusInternalServerError {
			table = refusals
		}
	}
	return table[min(failures, len(table))-1]
}

// explain is the part of an error that a person can act on: the authority's own words where there are any.
func explain(err error) string {
	msg := err.Error()
	var problem acmeproto.Problem
	if errors.As(err, &problem) && problem.Detail != "" {
		msg = problem.Detail
	}
	if len(msg) > maxErrorLen {
		msg = msg[:maxErrorLen]
	}
	return msg
}
