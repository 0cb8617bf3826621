package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func ended(t *testing.T, events <-chan api.ServerEvent, within time.Duration) {
	t.Helper()
	for end := time.After(within); ; {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-end:
			t.Fatal("the stream goes on")
		}
	}
}

func TestDeploymentStream(t *testing.T) {
	r := servertest.Claimed(t)
	dep := r.Deployment(r.App("shop"))
	path := "/api/v1/deployments/" + dep.ID + "/log/stream"
	r.Deploys.Say(dep.ID, paas.StepSource, "one\x1b]0;title\x07\x1b[31mred\x1b[0m\u202e")
	events, stop := r.SSE(servertest.Ask{Path: path, Local: true})
	if e := servertest.Next(t, events); e.Name != "deploy.stage" || !strings.Contains(string(e.Data), `"source"`) {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	if e := servertest.Next(t, events); e.Name != "deploy.log" || e.ID != "0" || !strings.Contains(string(e.Data), `one\u001b[31mred\u001b[0m"`) {
		t.Errorf("%s %s %s", e.Name, e.ID, e.Data)
	}
	r.Deploys.Say(dep.ID, paas.StepSource, "tw\x00o\tthree")
	if e := servertest.Next(t, events); e.ID != "1" || !strings.Contains(string(e.Data), "two three") {
		t.Errorf("%s %s", e.ID, e.Data)
	}
	stop()
	r.Deploys.Say(dep.ID, paas.StepBuild, "three")
	events, _ = r.SSE(servertest.Ask{Path: path, Local: true, Header: map[string]string{"Last-Event-ID": "1"}})
	if e := servertest.Next(t, events); e.Name != "deploy.stage" {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	if e := servertest.Next(t, events); e.ID != "2" {
		t.Errorf("it does not go on where it broke: %s %s", e.ID, e.Data)
	}
	r.Deploys.Finish(t, dep.ID, paas.StatusCancelled, &paas.Failure{Kind: paas.Cancelled, Message: "stopped by Ada"})
	if e := servertest.Next(t, events); e.Name != "deploy.done" || !strings.Contains(string(e.Data), "stopped by Ada") || !strings.Contains(string(e.Data), `"cancelled"`) {
		t.Errorf("%s %s", e.Name, e.Data)
	}
	ended(t, events, 10*time.Second)
	// the same by the client, and as JSON
	n := 0
	done, err := r.Client().Follow(t.Context(), dep.ID, func(api.LogLine) error { n++; return nil })
	if err != nil || n != 3 || !done.Done() {
		t.Errorf("%d lines, %+v, %v", n, done, err)
	}
	log, err := r.Client().DeploymentLog(t.Context(), dep.ID, 1)
	if err != nil || len(log.Lines) != 2 || log.Lines[0].N != 1 || log.Lines[1].Step != "build" {
		t.Errorf("%+v %v", log, err)
	}
}

func TestAppLogStream(t *testing.T) {
	r := servertest.Claimed(t)
	r.App("shop")
	at := time.Date(2026, 11, 23, 10, 0, 0, 5, time.UTC)
	r.Deploys.Print(nil, paas.LogLine{Time: at, Process: "web", Stream: "stdout", Text: "one"}, paas.LogLine{Time: at.Add(time.Second), Text: "two"})
	events, _ := r.SSE(servertest.Ask{Path: "/api/v1/apps/shop/logs/stream", Local: true})
	first := servertest.Next(t, events)
	if first.Name != "log.line" || first.ID != at.Format(time.RFC3339Nano) || !strings.Contains(string(first.Data), `"process":"web"`) {
		t.Errorf("%+v %s", first, first.Data)
	}
	servertest.Next(t, events)
	events, _ = r.SSE(servertest.Ask{Path: "/api/v1/apps/shop/logs/stream", Local: true, Header: map[string]string{"Last-Event-ID": first.ID}})
	if e := servertest.Next(t, events); !strings.Contains(string(e.Data), "two") {
		t.Errorf("it does not go on after the last one: %s", e.Data)
	}
	log, err := r.Client().Logs(t.Context(), "shop", "", api.LogsOptions{Tail: 1})
	if err != nil || len(log.Lines) != 1 || log.Lines[0].Text != "two" {
		t.Errorf("%+v %v", log, err)
	}
	r.Refused(400, servertest.Ask{Path: "/api/v1/apps/shop/logs?tail=0", Local: true})
	r.Refused(400, servertest.Ask{Path: "/api/v1/apps/shop/logs?since=yesterday", Local: true})
	r.Deploys.Print(&paas.Error{Kind: paas.Conflict, Msg: "nothing is live yet"})
	if e := r.Refused(409, servertest.Ask{Path: "/api/v1/apps/shop/logs/stream", Local: true}); e.Message != "nothing is live yet" {
		t.Errorf("an error before the first line: %+v", e)
	}
}

// Who loses the right to look loses the stream: within seconds, not at the next reconnect.
func TestStreamsEndWithTheirCredential(t *testing.T) {
	r := servertest.Claimed(t)
	a := r.App("shop")
	dep := r.Deployment(a)
	path := "/api/v1/deployments/" + dep.ID + "/log/stream"
	cookie, text := r.Session(), r.Token(r.PathOf(a))
	bySession, _ := r.SSE(servertest.Ask{Path: path, Cookie: cookie})
	byToken, _ := r.SSE(servertest.Ask{Path: path, Token: text})
	stays, _ := r.SSE(servertest.Ask{Path: path, Local: true})
	if err := r.Store.DeleteSessionsOf(r.Owner.ID); err != nil {
		t.Fatal(err)
	}
	tok, err := r.Store.TokenByHash(servertest.HashOf(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Store.RevokeToken(paas.System, tok.ID); err != nil {
		t.Fatal(err)
	}
	ended(t, bySession, server.StreamRecheck+3*time.Second)
	ended(t, byToken, server.StreamRecheck+3*time.Second)
	r.Deploys.Say(dep.ID, paas.StepSource, "still here")
	if e := servertest.Next(t, stays); e.Name != "deploy.stage" {
		t.Errorf("%+v", e)
	}
}

// A quiet stream says at once that it is open.
func TestQuietStreamOpens(t *testing.T) {
	r := servertest.Claimed(t)
	dep := r.Deployment(r.App("shop"))
	begin := time.Now()
	_, stop := r.SSE(servertest.Ask{Path: "/api/v1/deployments/" + dep.ID + "/log/stream", Local: true})
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Shutting down ends streams at once and lets a request that runs finish; the client takes the stream up again at the next control.
func TestShutdown(t *testing.T) {
	r := servertest.New(t)
	r.Claim()
	stop := r.Run()
	dep := r.Deployment(r.App("shop"))
	events, _ := r.SSE(servertest.Ask{Path: "/api/v1/deployments/" + dep.ID + "/log/stream", Local: true})
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("shutting down took %s with an open stream", took)
	}
	ended(t, events, time.Second)
	if _, err := net.Dial("unix", filepath.Join(r.Dir, "web.sock")); err == nil {
		t.Error("the socket still answers")
	}
}

func TestTooManyStreams(t *testing.T) {
	r := servertest.Claimed(t)
	dep := r.Deployment(r.App("shop"))
	r.Server.FillStreams()
	if e := r.Refused(503, servertest.Ask{Path: "/api/v1/deployments/" + dep.ID + "/log/stream", Local: true}); e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

// An error in the middle of a stream is told in the stream, without its cause.
func TestStreamFailsInTheMiddle(t *testing.T) {
	r := servertest.Claimed(t)
	table := []server.Route{{Method: "GET", Path: "/api/v1/x", Action: "health.read", Resource: server.NoResource, Stream: true, Handle: func(c *server.Call) error {
		return c.Stream(func(_ context.Context, out *server.Stream) error {
			if err := out.Send("1\nevent: forged", "a\nb", "x"); err != nil {
				return err
			}
			return errors.New("secret cause")
		})
	}}}
	stop, err := r.Server.ServeAt(filepath.Join(r.Dir, "x.sock"), table)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	resp, err := servertest.SocketClient(filepath.Join(r.Dir, "x.sock")).Get("http://control/api/v1/x")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := "retry: 2000\n\nid: 1\nevent: a\ndata: \"x\"\n\nevent: failed\ndata: "
	if !strings.HasPrefix(string(b), want) || strings.Contains(string(b), "secret") || !strings.Contains(r.Logs.String(), "secret cause") {
		t.Errorf("%q", b)
	}
}
