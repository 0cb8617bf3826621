package page

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/ui"
)

// relativeTime is text that browsers keep up to date themselves: no reason to send a row again.
var relativeTime = regexp.MustCompile(`(<time data-t="ago"[^>]*>)[^<]*`)

// rows keeps the rows of the fleet: each is rendered once per change, however many people look at it. Safe for
// concurrent use.
type rows struct {
	epoch string // names this process: another one counts differently

	mu    sync.Mutex
	count uint64
	kept  map[string]row // by app and path
}

// row is an app's row and when it became what it is.
type row struct {
	cause rowCause
	html  template.HTML
	sum   [sha256.Size]byte // of what matters in it
	since uint64            // count at its last change
}

// rowCause is what a row is made of. The pointers are those of control, which reads anew what changed.
type rowCause struct {
	build                       *paas.Build
	live                        *paas.Release
	latest                      *paas.Deployment
	name, address, moment       string
	known                       bool
	memory, memoryLimit, visits int64
	cpu                         float64
}

func newRows() *rows { return &rows{epoch: rand.Text()[:8], kept: map[string]row{}} }

// into renders those rows of a look that changed, and takes the others as they are.
func (r *rows) into(l *look, states []control.AppState, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) > 2*len(l.apps)+100 {
		clear(r.kept) // most of them are of apps that are gone
	}
	list := fnv.New64a()
	for i, a := range l.apps {
		row, err := r.row(states[i], a, now)
		if err != nil {
			return err
		}
		l.rows, l.since = append(l.rows, row.html), append(l.since, row.since)
		fmt.Fprintln(list, a.ID, a.Path)
	}
	l.version = fleetVersion{epoch: r.epoch, list: list.Sum64(), count: r.count}
	return nil
}

func (r *rows) row(s control.AppState, a ui.App, now time.Time) (row, error) {
	key := a.ID + a.Path
	cause := rowCause{
		build:       s.Build,
		live:        s.Live,
		latest:      s.Latest,
		name:        a.FullName(),
		address:     s.Address,
		moment:      a.Moment(now),
		known:       a.Load.Known,
		memory:      a.Load.MemoryBytes,
		memoryLimit: a.Load.MemoryLimit,
		visits:      a.Load.Requests,
		cpu:         a.Load.CPUPercent,
	}
	old, ok := r.kept[key]
	if ok && old.cause == cause {
		return old, nil
	}
	html, err := a.Row(now)
	if err != nil {
		return row{}, err
	}
	fresh := row{cause: cause, html: html, sum: sha256.Sum256(relativeTime.ReplaceAll([]byte(html), []byte("$1"))), since: old.since}
	if !ok || fresh.sum != old.sum {
		r.count++
		fresh.since = r.count
	}
	r.kept[key] = fresh
	return fresh, nil
}

// fleetVersion names what a page shows of the fleet, so that its stream can go on from there.
type fleetVersion struct {
	epoch string
	list  uint64 // which apps, in which order
	count uint64 // rows that became what they are after that are new to the page
}

func (v fleetVersion) String() string { return fmt.Sprintf("%s.%x.%d", v.epoch, v.list, v.count) }

// parseFleetVersion reads what String wrote; anything else is the version of a page that shows nothing.
func parseFleetVersion(text string) (v fleetVersion) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return fleetVersion{}
	}
	list, err := strconv.ParseUint(parts[1], 16, 64)
	if err != nil {
		return fleetVersion{}
	}
	count, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return fleetVersion{}
	}
	return fleetVersion{epoch: parts[0], list: list, count: count}
}
