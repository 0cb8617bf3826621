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

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	probeEvery   = 100 * time.Millisecond
	probeTimeout = 10 * time.Second
	maxProbeBody = 4 << 10
)

// sight is what the health check saw last: the reason, when it gives up.
type sight struct {
	port      int       // that answers TCP; 0: none yet
	local     bool      // it listens, but on 127.0.0.1 only
	status    int       // of the last answer; 0: none
	err       error     // of the last request
	erring    time.Time // since when it answers with errors
	listening []netip.AddrPort
}

// waitHealthy returns once the instance answers: a web process to TCP and then HTTP from outside its container, a worker by staying
// up. The port that the app really opened is recorded.
func (d *Deployer) waitHealthy(ctx context.Context, j *job, b paas.Build, inst paas.Instance) error {
	if inst.Process != "web" {
		return d.waitUp(ctx, j, inst)
	}
	path := b.Plan.HealthPath
	if j.app.Build.HealthPath != "" {
		path = j.app.Build.HealthPath
	}
	if path == "" {
		path = "/"
	}
	host, err := d.host(j)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(d.timing.Healthy)
	began := time.Now()
	var seen sight
	for {
		if err := d.stillRunning(ctx, inst); err != nil {
			return err
		}
		if d.probe(ctx, inst, host, path, time.Since(began), &seen) {
			d.say(j, "GET %s answered %d after %s", path, seen.status, time.Since(began).Round(10*time.Millisecond))
			return d.store.UpdateInstance(inst.ID, func(i *paas.Instance) error { i.Port = seen.port; return nil })
		}
		gaveErrors := !seen.erring.IsZero() && time.Since(seen.erring) > d.timing.Failing
		if gaveErrors || time.Now().After(deadline) {
			return unhealthy(path, &seen, d.timing.Healthy)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probeEvery):
		}
	}
}

// probe looks once and reports whether the app is healthy.
func (d *Deployer) probe(ctx context.Context, inst paas.Instance, host, path string, waited time.Duration, seen *sight) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	port := seen.port
	if port == 0 {
		port = Port
	}
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", netip.AddrPortFrom(inst.Addr, uint16(port)).String())
	if err != nil {
		seen.port, seen.err = 0, err
		if waited > time.Second { // give PORT a fair chance before believing in another one
			d.lookAround(ctx, inst, seen)
		}
		return false
	}
	_ = conn.Close()
	seen.port = port
	seen.status, seen.err = ask(ctx, inst.Addr, port, host, path)
	if seen.err == nil && seen.status < 500 {
		return true
	}
	if seen.erring.IsZero() {
		seen.erring = time.Now()
	}
	return false
}

// lookAround finds the port that the app opened instead of PORT.
func (d *Deployer) lookAround(ctx context.Context, inst paas.Instance, seen *sight) {
	open, err := d.engine.Listening(ctx, inst.Container)
	if err != nil {
		return // the container may just have ended; the next look tells
	}
	seen.listening, seen.local = open, false
	for _, ap := range open {
		if ap.Addr().IsLoopback() {
			seen.local = true
			continue
		}
		seen.port, seen.local = int(ap.Port()), false
		return
	}
}

// host is the name that visitors use: frameworks refuse requests for others.
func (d *Deployer) host(j *job) (string, error) {
	project, err := d.store.Project(j.app.Project)
	if err != nil {
		return "", err
	}
	env, err := d.store.Environment(j.target.Environment)
	if err != nil {
		return "", err
	}
	return d.hosts(j.app, project, env)[0], nil
}

// ask makes one request as the edge would. Redirects count as answers.
func ask(ctx context.Context, addr netip.Addr, port int, host, path string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+netip.AddrPortFrom(addr, uint16(port)).String()+path, nil)
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
func unhealthy(path string, s *sight, waited time.Duration) error {
	e := &paas.Error{Kind: paas.Failed, Err: s.err}
	switch {
	case s.local:
		e.Msg = "the app listens on 127.0.0.1 only, so nothing outside its container can reach it"
		e.Hint = "listen on 0.0.0.0 and on the port in the PORT variable"
	case s.port == 0:
		e.Msg = fmt.Sprintf("the app runs, but opened no port within %s", waited)
		e.Hint = "listen on 0.0.0.0 and on the port in the PORT variable; if it only works in the background, name it worker in a Procfile"
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
func (d *Deployer) waitUp(ctx context.Context, j *job, inst paas.Instance) error {
	until := time.Now().Add(d.timing.Settle)
	for time.Now().Before(until) {
		if err := d.stillRunning(ctx, inst); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probeEvery):
		}
	}
	d.say(j, "%s is up", inst.Process)
	return nil
}

// stillRunning fails when the process has ended: a new version must start at the first try.
func (d *Deployer) stillRunning(ctx context.Context, inst paas.Instance) error {
	st, err := d.engine.Inspect(ctx, inst.Container)
	if err != nil {
		return err
	}
	if st.Running {
		return nil
	}
	return d.ended(inst, st)
}

// ended explains a process that is not there any more.
func (d *Deployer) ended(inst paas.Instance, st docker.State) error {
	e := &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the %s process ended by itself with exit code %d", inst.Process, st.ExitCode),
		Hint: "its last output says why"}
	switch {
	case st.OOMKilled:
		mb := paas.DefaultLimits.MemoryMB
		if rel, err := d.store.Release(inst.Release); err == nil {
			mb = rel.Limits.WithDefaults().MemoryMB
		}
		e.Msg, e.Hint = fmt.Sprintf("the %s process needed more memory than its limit of %d MB", inst.Process, mb), "raise the memory limit in the app's settings"
	case st.ExitCode == 0 && inst.Process == "web":
		e.Msg, e.Hint = "the web process ended by itself right after it started, without an error", "a web process must keep running and answer HTTP on the port in the PORT variable"
	case st.ExitCode == 127:
		e.Hint = "exit code 127 means that a command was not found: look at the start command"
	}
	return e
}
