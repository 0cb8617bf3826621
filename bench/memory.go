package main

import (
	"context"
	"fmt"
	"time"
)

// quiet is the most that an idle installation may use, both over the same time.
type quiet struct {
	mb  float64
	cpu float64 // percent of a core
}

var oneApp, withStatic = quiet{40, 0.3}, quiet{70, 1}

// memory measures control and edge with the Node app alone: right after a deploy, then idle.
func (s *session) memory(ctx context.Context) ([]row, error) {
	a, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := a.change(ctx); err != nil {
		return nil, err
	}
	return s.idle(ctx, a.w, "one Node app", oneApp)
}

// idle measures an installation to which nothing happens any more.
func (s *session) idle(ctx context.Context, w *world, with string, limit quiet) ([]row, error) {
	var now, calm, cpu sample
	var note string
	for range s.opts.Runs {
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
		m, err := w.memory()
		if err != nil {
			return nil, err
		}
		now = append(now, m.sum())
	}
	s.say("  waiting %s for it to settle, then measuring for %s", words(s.opts.Settle), words(s.opts.Idle))
	if err := pause(ctx, s.opts.Settle); err != nil {
		return nil, err
	}
	for range s.opts.Runs {
		used, err := w.busy(ctx, s.opts.Idle/time.Duration(s.opts.Runs))
		if err != nil {
			return nil, err
		}
		m, err := w.memory()
		if err != nil {
			return nil, err
		}
		calm, cpu, note = append(calm, m.sum()), append(cpu, used), m.String()
	}
	return []row{
		median("control + edge with "+with+", right after a deploy, PSS", megabytes, 0, now, ""),
		median(fmt.Sprintf("the same, idle, %s later, PSS", words(s.opts.Settle)), megabytes, limit.mb, calm, note),
		whole(fmt.Sprintf("the same, processor time in %s, of one core", words(s.opts.Idle)), percent, limit.cpu, cpu, ""),
	}, nil
}

// words is a time as people write it.
func words(d time.Duration) string {
	if d >= time.Minute && d%time.Minute == 0 {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

// both is the memory of control and of the edge.
type both struct{ control, edge footprint }

func (b both) sum() float64 { return b.control.plus(b.edge).mb() }

func (b both) String() string {
	file := func(f footprint) float64 { return float64(f.file) / mb }
	return fmt.Sprintf("control %.1f, of which mapped files %.1f; edge %.1f, of which mapped files %.1f",
		b.control.mb(), file(b.control), b.edge.mb(), file(b.edge))
}

func (w *world) memory() (b both, err error) {
	if b.control, err = memoryOf(w.control.Process.Pid); err != nil {
		return b, err
	}
	for _, pid := range edgePIDs(w.data) {
		f, err := memoryOf(pid)
		if err != nil {
			return b, err
		}
		b.edge = b.edge.plus(f)
	}
	if b.edge.pss == 0 {
		return b, fmt.Errorf("no edge runs for %s", w.data)
	}
	return b, nil
}

// pids are the processes of control and of the edge.
func (w *world) pids() []int { return append(edgePIDs(w.data), w.control.Process.Pid) }

// busy is the share of one core that control and edge use during d, in percent.
func (w *world) busy(ctx context.Context, d time.Duration) (float64, error) {
	pids := w.pids()
	began := time.Now()
	before, err := processorTime(pids)
	if err != nil {
		return 0, err
	}
	if err := pause(ctx, d); err != nil {
		return 0, err
	}
	after, err := processorTime(pids)
	if err != nil {
		return 0, err
	}
	return 100 * (after - before).Seconds() / time.Since(began).Seconds(), nil
}

func processorTime(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		st, err := statOf(pid)
		if err != nil {
			return 0, err
		}
		sum += st.used
	}
	return sum, nil
}
