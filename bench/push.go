package main

import (
	"context"
	"strconv"
	"time"
)

const (
	pushLimit     = 4   // seconds
	rollbackLimit = 1.5 // seconds

	// apart lets the replaced version end before the next measurement: people do not push twice in a second.
	apart = 2 * time.Second
)

// push measures one-line changes, from `git push` to the first answer with the new content.
func (s *session) push(ctx context.Context) ([]row, error) {
	a, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	var all []change
	var seen, returned sample
	for range s.opts.Runs {
		if err := pause(ctx, apart); err != nil {
			return nil, err
		}
		c, err := a.change(ctx)
		if err != nil {
			return nil, err
		}
		s.say("  seen after %.2f s, git returned after %.2f s", c.seen.Seconds(), c.returned.Seconds())
		all, seen, returned = append(all, c), append(seen, c.seen.Seconds()), append(returned, c.returned.Seconds())
	}
	return []row{
		median("one-line change of a small Node app, git push to new content", seconds, pushLimit, seen, sentence(all)),
		median("the same until git push returns", seconds, 0, returned, ""),
		median("first push of that app", seconds, 0, sample{a.first.seen.Seconds()}, sentence([]change{a.first})),
	}, nil
}

// rollback goes back and forth between the two newest contents, from the beginning of the command to the first answer with the other.
func (s *session) rollback(ctx context.Context) ([]row, error) {
	a, err := s.node(ctx)
	if err != nil {
		return nil, err
	}
	if a.changes < 2 {
		if _, err := a.change(ctx); err != nil {
			return nil, err
		}
	}
	live, _, err := a.deployed(ctx)
	if err != nil {
		return nil, err
	}
	var all []change
	var seen sample
	for i := range s.opts.Runs {
		if err := pause(ctx, apart); err != nil {
			return nil, err
		}
		back := 1 - i%2 // versions, and contents, before the newest that was pushed
		c, err := a.until(ctx, a.changes-back, func(ctx context.Context) error {
			_, err := a.w.cli(ctx, "rollback", nodeName, strconv.Itoa(live-back))
			return err
		})
		if err != nil {
			return nil, err
		}
		if _, c.steps, err = a.deployed(ctx); err != nil {
			return nil, err
		}
		s.say("  seen after %.2f s, the command returned after %.2f s", c.seen.Seconds(), c.returned.Seconds())
		all, seen = append(all, c), append(seen, c.seen.Seconds())
	}
	return []row{median("rollback, command to old content", seconds, rollbackLimit, seen, sentence(all))}, nil
}
