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

// refusedWaits are the waits after an authority has refused a host: at most three in the first hour, where Let's
// Encrypt allows five.
var refusedWaits = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour}

// unreachableWaits are the waits while the authority or the name cannot be found, which uses up no rate limit.
var unreachableWaits = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}

const (
	rateLimited = time.Hour
	maxErrorLen = 500
)

// failures are a host's failures in a row.
type failures struct {
	Count int       `json:"failures"`
	Next  time.Time `json:"next"`
	Error string    `json:"error"`
	Never bool      `json:"-"` // trying again cannot help
}

// backoff delays new attempts for a host after failures. It keeps them over restarts: else a crash loop would run into
// the authority's rate limits.
type backoff struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	file backoffFile
}

type backoffFile struct {
	CA    string              `json:"ca"`
	Hosts map[string]failures `json:"hosts"`
}

// openBackoff is usable also when it returns an error: then it knows nothing.
func openBackoff(path, ca string, now func() time.Time) (*backoff, error) {
	c := &backoff{path: path, now: now}
	err := readSealed(path, &c.file)
	if err != nil || c.file.CA != ca || c.file.Hosts == nil {
		c.file = backoffFile{CA: ca, Hosts: map[string]failures{}}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return c, err
}

func (c *backoff) get(host string) failures {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.file.Hosts[host]
}

func (c *backoff) clear(host string) {
	c.mu.Lock()
	_, had := c.file.Hosts[host]
	delete(c.file.Hosts, host)
	c.mu.Unlock()
	if had {
		c.save()
	}
}

// failed notes a failure and says when to try again.
func (c *backoff) failed(host string, err error) failures {
	c.mu.Lock()
	h := c.file.Hosts[host]
	h.Count++
	h.Error = explain(err)
	h.Never = errors.Is(err, errNotPublic)
	h.Next = c.now().Add(pause(err, h.Count))
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
func (c *backoff) save() {
	c.mu.Lock()
	copied := backoffFile{CA: c.file.CA, Hosts: make(map[string]failures, len(c.file.Hosts))}
	for host, h := range c.file.Hosts {
		copied.Hosts[host] = h
	}
	c.mu.Unlock()
	_ = writeSealed(c.path, copied)
}

func pause(err error, failures int) time.Duration {
	table := unreachableWaits
	var problem acmeproto.Problem
	if errors.As(err, &problem) {
		if problem.Status == http.StatusTooManyRequests || problem.Type == acmeproto.ProblemTypeRateLimited {
			return rateLimited
		}
		if problem.Status < http.StatusInternalServerError {
			table = refusedWaits
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
