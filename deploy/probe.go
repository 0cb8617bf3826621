package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	probeEvery   = 100 * time.Millisecond
	probeTimeout = 10 * time.Second
	maxProbeBody = 4 << 10
)

// inspector looks at a container from outside.
type inspector interface {
	Inspect(ctx context.Context, id string) (docker.State, error)
	Listening(ctx context.Context, id string) ([]netip.AddrPort, error)
}

// prober tells whether new instances do what they should.
type prober struct {
	engine inspector
	timing Timing
}

// check is what the health check of a version asks.
type check struct {
	host     string // that visitors use: frameworks refuse requests for others
	path     string
	memoryMB int // of a copy, to be named when that was too little
}

func (d *Deployer) checkOf(v version) check {
	c := check{
		host:     d.site.Host(v.app, v.project, v.env),
		path:     v.release.Health.Path,
		memoryMB: v.release.LimitsOf(contract.WebProcess).MemoryMB,
	}
	if c.path == "" {
		c.path = "/"
	}
	return c
}

// probeState is what the health check saw last: the reason, when it gives up.
type probeState struct {
	port    int       // that answers TCP; 0: none yet
	local   bool      // the app listens, but on 127.0.0.1 only
	status  int       // of the last answer; 0: none
	err     error     // of the last request
	failing time.Time // since when the app answers with errors
	begun   time.Time
}

// wait returns once the instance is healthy: a web process answers TCP and then HTTP from outside its container, a
// worker stays up. The port is the one that the web process really opened; 0 for a worker.
func (p *prober) wait(ctx context.Context, inst paas.Instance, c check, say func(format string, args ...any)) (port int, err error) {
	if inst.Process != contract.WebProcess {
		return 0, p.waitUp(ctx, inst, c, say)
	}
	state := probeState{begun: time.Now()}
	for {
		if err := p.stillRunning(ctx, inst, c); err != nil {
			return 0, err
		}
		if p.probe(ctx, inst, c, &state) {
			say("GET %s answered %d after %s", c.path, state.status, time.Since(state.begun).Round(10*time.Millisecond))
			return state.port, nil
		}
		gaveErrors := !state.failing.IsZero() && time.Since(state.failing) > p.timing.Failing
		if gaveErrors || time.Since(state.begun) > p.timing.Healthy {
			return 0, unhealthy(c.path, &state, p.timing.Healthy)
		}
		if !sleep(ctx, probeEvery) {
			return 0, ctx.Err()
		}
	}
}

// probe asks once and reports whether the app is healthy.
func (p *prober) probe(ctx context.Context, inst paas.Instance, c check, state *probeState) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	port := state.port
	if port == 0 {
		port = Port
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(inst.Addr, uint16(port)).String())
	if err != nil {
		state.port, state.err = 0, err
		if time.Since(state.begun) > time.Second { // give PORT a fair chance before believing in another one
			p.discoverPort(ctx, inst, state)
		}
		return false
	}
	_ = conn.Close()
	state.port = port
	state.status, state.err = ask(ctx, inst.Addr, port, c.host, c.path)
	if state.err == nil && state.status < 500 {
		return true
	}
	if state.failing.IsZero() {
		state.failing = time.Now()
	}
	return false
}

// discoverPort finds the port that the app opened instead of PORT.
func (p *prober) discoverPort(ctx context.Context, inst paas.Instance, state *probeState) {
	open, err := p.engine.Listening(ctx, inst.Container)
	if err != nil {
		return // the container may just have ended; the next probe tells
	}
	state.local = false
	for _, ap := range open {
		if ap.Addr().IsLoopback() {
			state.local = true
			continue
		}
		state.port, state.local = int(ap.Port()), false
		return
	}
}

// ask makes one request as the edge would. Redirects count as answers.
func ask(ctx context.Context, addr netip.Addr, port int, host, path string) (int, error) {
	url := "http://" + netip.AddrPortFrom(addr, uint16(port)).String() + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Host = host
	req.Header.Set("User-Agent", "cloudsania-health")
	req.Header.Set("X-Forwarded-Proto", "https")
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxProbeBody)
	return res.StatusCode, nil
}

// unhealthy explains in plain words why an app that runs did not become healthy.
func unhealthy(path string, s *probeState, waited time.Duration) error {
	e := &paas.Error{Kind: paas.Failed, Err: s.err}
	switch {
	case s.local:
		e.Msg = "the app listens on 127.0.0.1 only, so nothing outside its container can reach it"
		e.Hint = "listen on 0.0.0.0 and on the port in the PORT variable"
	case s.port == 0:
		e.Msg = fmt.Sprintf("the app runs, but opened no port within %s", waited)
		e.Hint = "listen on 0.0.0.0 and on the port in the PORT variable; " +
			"if it only works in the background, name it worker in a Procfile"
	case s.status >= 500:
		e.Msg = fmt.Sprintf("the app answers %s with %d", path, s.status)
		e.Hint = "the app's own output often says why; a missing variable is the commonest reason"
	case errors.Is(s.err, context.DeadlineExceeded):
		e.Msg = fmt.Sprintf("the app accepts connections on port %d, but %s did not answer within %s", s.port, path, probeTimeout)
		e.Hint = "choose a health check path that answers quickly, in the app's settings"
	default:
		e.Msg = fmt.Sprintf("the app opened port %d, but does not speak HTTP on it", s.port)
		e.Hint = "the web process must answer HTTP; name anything else worker in a Procfile"
	}
	return e
}

// waitUp is the health check of a worker: it stays up for a moment.
func (p *prober) waitUp(ctx context.Context, inst paas.Instance, c check, say func(format string, args ...any)) error {
	for begun := time.Now(); time.Since(begun) < p.timing.Settle; {
		if err := p.stillRunning(ctx, inst, c); err != nil {
			return err
		}
		if !sleep(ctx, probeEvery) {
			return ctx.Err()
		}
	}
	say("%s is up", inst.Process)
	return nil
}

// stillRunning fails when the process has ended: a new version must start at the first try.
func (p *prober) stillRunning(ctx context.Context, inst paas.Instance, c check) error {
	st, err := p.engine.Inspect(ctx, inst.Container)
	if err != nil || st.Running {
		return err
	}
	return explainEnd(inst, st, c)
}

// explainEnd explains a process that is not there any more.
func explainEnd(inst paas.Instance, st docker.State, c check) error {
	e := &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the %s process ended by itself with exit code %d", inst.Process, st.ExitCode),
		Hint: "its last output says why"}
	switch {
	case st.OOMKilled:
		e.Msg = fmt.Sprintf("the %s process needed more memory than its limit of %d MB", inst.Process, c.memoryMB)
		e.Hint = "raise the memory limit in the app's settings"
	case st.ExitCode == 0 && inst.Process == contract.WebProcess:
		e.Msg = "the web process ended by itself right after it started, without an error"
		e.Hint = "a web process must keep running and answer HTTP on the port in the PORT variable"
	case st.ExitCode == 127:
		e.Hint = "exit code 127 means that a command was not found: look at the start command"
	}
	return e
}
