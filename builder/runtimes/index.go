package runtimes

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/disk"
)

const (
	indexFresh   = 24 * time.Hour   // how long a list of versions is believed
	indexRecheck = 10 * time.Minute // how soon it is fetched again for a version that it does not have
)

// release is one version of a runtime that can be had.
type release struct {
	Version string `json:"version"`
	Source  string `json:"source,omitempty"` // which of a provider's sources
	URL     string `json:"url,omitempty"`
	Sum     string `json:"sum,omitempty"`  // checksum; "" when it is looked up at download
	Node    string `json:"node,omitempty"` // versions of Node that it runs on
}

type index struct {
	Fetched  time.Time `json:"fetched"`
	Mirrors  Mirrors   `json:"mirrors"` // an index of another mirror is of no use
	Releases []release `json:"releases"`
}

// indexes keeps the lists, in memory and on disk: a warm build asks no server.
type indexes struct {
	dir  string
	mu   sync.Mutex
	seen map[string]index
}

func (x *indexes) load(name string, m Mirrors) (index, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.seen[name]; ok {
		return i, true
	}
	b, err := os.ReadFile(filepath.Join(x.dir, name+".json"))
	if err != nil {
		return index{}, false
	}
	var i index
	if json.Unmarshal(b, &i) != nil || i.Mirrors != m {
		return index{}, false
	}
	x.keep(name, i)
	return i, true
}

func (x *indexes) save(name string, i index) error {
	x.mu.Lock()
	x.keep(name, i)
	x.mu.Unlock()
	b, err := json.Marshal(i)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(x.dir, 0o755); err != nil {
		return err
	}
	return disk.WriteFile(filepath.Join(x.dir, name+".json"), b)
}

func (x *indexes) keep(name string, i index) {
	if x.seen == nil {
		x.seen = map[string]index{}
	}
	x.seen[name] = i
}

// releases lists what can be had of a runtime, at most maxAge old when the network allows; an older list is better
// than none.
func (c *Cache) releases(ctx context.Context, p provider, name string, maxAge time.Duration) ([]release, error) {
	unlock, err := c.locks.Acquire(ctx, "index "+name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	old, ok := c.indexes.load(name, c.mirrors)
	if ok && time.Since(old.Fetched) < maxAge {
		return old.Releases, nil
	}
	found, err := p.index(ctx)
	if err != nil {
		if ok {
			c.log.Warn("an old list of versions is used", "runtime", name, "age", time.Since(old.Fetched).Round(time.Hour), "err", err)
			return old.Releases, nil
		}
		return nil, err
	}
	if err := c.indexes.save(name, index{Fetched: time.Now(), Mirrors: c.mirrors, Releases: found}); err != nil {
		c.log.Warn("could not keep a list of versions", "runtime", name, "err", err)
	}
	return found, nil
}
