package docker_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
)

func open(t *testing.T, host string) *docker.Engine {
	t.Helper()
	e, err := docker.Open(docker.Options{Host: host, Installation: "inl_x"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestDeadDaemon(t *testing.T) {
	e := open(t, "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
	ctx := t.Context()
	calls := map[string]func() error{
		"Ping":        func() error { _, err := e.Ping(ctx); return err },
		"ImageExists": func() error { _, err := e.ImageExists(ctx, "x:1"); return err },
		"List":        func() error { _, err := e.List(ctx, docker.KindInstance); return err },
		"Create": func() error {
			_, err := e.Create(ctx, docker.Spec{Kind: docker.KindInstance, ID: paas.NewID("ins"), Image: "x:1"})
			return err
		},
		"Start":           func() error { return e.Start(ctx, "x") },
		"Stop":            func() error { return e.Stop(ctx, "x", time.Second) },
		"Remove":          func() error { return e.Remove(ctx, "x") },
		"RemoveLeftovers": func() error { return e.RemoveLeftovers(ctx) },
		"UsedSubnets":     func() error { _, err := e.UsedSubnets(ctx); return err },
		"Events":          func() error { return e.Events(ctx, func(docker.Event) { t.Error("an event of a dead engine") }) },
		"EnsureVolume":    func() error { return e.EnsureVolume(ctx, "cs-x") },
		"Logs":            func() error { return e.Logs(ctx, "x", paas.LogOptions{}, nil) },
		"PullImage":       func() error { return e.PullImage(ctx, "127.0.0.1:1/x:1", paas.RegistryAuth{}) },
	}
	for name, call := range calls {
		err := call()
		if p := paas.Public(err); !paas.IsKind(err, paas.Unavailable) || p.Msg != "docker does not answer" || !strings.Contains(p.Hint, "systemctl") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An engine that takes the connection and says nothing is as good as dead, but a caller that gives up is not its fault.
func TestSilentDaemon(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	e := open(t, "unix://"+sock)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := e.Ping(ctx); err == nil || paas.IsKind(err, paas.Unavailable) || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v", err)
	}
}

func TestEngineErrorsInPlainWords(t *testing.T) {
	var status int
	var message string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "/_ping") {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"message":"` + message + `"}`))
		}
	}))
	defer srv.Close()
	e := open(t, "tcp://"+srv.Listener.Addr().String())
	for _, tc := range []struct {
		status  int
		message string
		kind    paas.Kind
	}{
		{500, "write /var/lib/docker/x: no space left on device", paas.NoSpace},
		{404, "No such image: x:1", paas.NotFound},
		{409, "conflict: unable to delete", paas.Conflict},
	} {
		status, message = tc.status, tc.message
		if err := e.TagImage(t.Context(), "x:1", "y:1"); !paas.IsKind(err, tc.kind) {
			t.Errorf("%d %s: %v", tc.status, tc.message, err)
		}
	}
}

func TestOpenChecksItsOptions(t *testing.T) {
	for _, o := range []docker.Options{{}, {Installation: "x", Host: "nonsense"}} {
		if _, err := docker.Open(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
