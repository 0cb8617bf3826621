package page

import (
	"bytes"
	"html/template"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

// look is the fleet as somebody sees it at a moment, made once for all their open pages.
type look struct {
	version fleetVersion
	apps    []ui.App
	figures []ui.Figure
	rows    []template.HTML
	since   []uint64 // count at which each row became what it is
	above   []byte   // what stands above the rows, as a stream sends it; nil until one needs it
}

// looks keeps one look for each principal, for as long as they are true. Whoever comes while one is made waits for it.
type looks struct {
	mu         sync.Mutex
	generation uint64
	sampled    uint64
	minute     time.Time // the texts of times are of the minute
	kept       map[string]look
}

// look is what whoever asks sees of the fleet now.
func (h fleet) look(c *server.Call) (look, error) {
	h.looks.mu.Lock()
	defer h.looks.mu.Unlock()
	return h.current(c)
}

// lookLive is look with what a stream sends of it.
func (h fleet) lookLive(c *server.Call) (look, error) {
	h.looks.mu.Lock()
	defer h.looks.mu.Unlock()
	preparing := h.preparing() // the builder's progress stands above the rows, and is nothing to keep
	l, err := h.current(c)
	if err != nil || l.above != nil && !preparing {
		return l, err
	}
	p, err := h.page(c, l)
	if err != nil {
		return l, err
	}
	var above bytes.Buffer
	if err := ui.Live(&above, p); err != nil {
		return l, err
	}
	l.above = above.Bytes()
	if preparing {
		return l, nil
	}
	h.looks.kept[principalKey(c)] = l
	return l, nil
}

// current makes a look unless the last one of this principal is as good. The caller holds the lock.
func (h fleet) current(c *server.Call) (look, error) {
	generation, err := h.ctl.Generation()
	if err != nil {
		return look{}, err
	}
	now, key := h.now(), principalKey(c)
	minute := now.Truncate(time.Minute)
	sampled := h.meter.Sampled()
	if h.looks.generation != generation || h.looks.sampled != sampled || !h.looks.minute.Equal(minute) {
		h.looks.generation, h.looks.sampled, h.looks.minute = generation, sampled, minute
		clear(h.looks.kept)
	}
	if l, ok := h.looks.kept[key]; ok {
		return l, nil
	}
	states, err := h.ctl.Apps(c.Principal, paas.Production)
	if err != nil {
		return look{}, err
	}
	l := look{apps: make([]ui.App, 0, len(states))}
	for _, s := range states {
		view := h.view(s)
		view.Load = h.load(s)
		l.apps = append(l.apps, view)
	}
	if err := h.rows.into(&l, states, now); err != nil {
		return look{}, err
	}
	l.figures = figures(l.apps, control.WeekOf(states, now))
	h.looks.kept[key] = l
	return l, nil
}

// changed are the rows that a page of version v does not show as they are; whole when it shows other apps.
func (l look) changed(v fleetVersion) (html []template.HTML, whole bool) {
	if v.epoch != l.version.epoch || v.list != l.version.list {
		return l.rows, true
	}
	for i, since := range l.since {
		if since > v.count {
			html = append(html, l.rows[i])
		}
	}
	return html, false
}
