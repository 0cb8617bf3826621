package server

import (
	"context"
	"net/http"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	defaultTail = 200
	maxTail     = 5000
)

// logOptions reads the query of both log routes.
func (c *Call) logOptions() (paas.LogOptions, error) {
	tail, err := c.number("tail", defaultTail, 1, maxTail)
	if err != nil {
		return paas.LogOptions{}, err
	}
	o := paas.LogOptions{Tail: tail}
	if text := c.QueryParam("since"); text != "" {
		if o.Since, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return o, paas.Invalidf("since", "write it like 2026-11-23T10:00:00Z", "%q is not a time", paas.Clip(text, 40))
		}
	}
	return o, nil
}

func (s *Server) showLogs(c *Call) error {
	o, err := c.logOptions()
	if err != nil {
		return err
	}
	out := api.Log{Lines: []api.LogLine{}}
	err = s.Deployer.AppLogs(c.Request().Context(), c.Target, o, func(l paas.LogLine) error {
		out.Lines = append(out.Lines, logLineDTO(l))
		return nil
	})
	if err != nil {
		return err
	}
	if over := len(out.Lines) - o.Tail; over > 0 { // each copy of each process gave its newest lines
		out.Lines = out.Lines[over:]
	}
	return c.JSON(http.StatusOK, out)
}

func (s *Server) streamLogs(c *Call) error {
	o, err := c.logOptions()
	if err != nil {
		return err
	}
	o.Follow = true
	last, err := time.Parse(time.RFC3339Nano, c.Request().Header.Get("Last-Event-ID"))
	if err == nil && last.After(o.Since) {
		o.Since, o.Tail = last, maxTail
	}
	return s.Stream(c, func(ctx context.Context, out *Stream) error {
		return s.Deployer.AppLogs(ctx, c.Target, o, func(l paas.LogLine) error {
			if !l.Time.After(last) {
				return nil // seen before the connection broke
			}
			return out.Send(l.Time.UTC().Format(time.RFC3339Nano), "log.line", logLineDTO(l))
		})
	})
}
