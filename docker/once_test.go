package docker_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

func TestRunOnce(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	network, subnet := dockertest.Network(t, e)
	for _, code := range []int{0, 1, 3, 255} {
		s := dockertest.Spec(image, "say", map[int]string{0: "0", 1: "1", 3: "3", 255: "255"}[code], "to stdout", "to stderr")
		s.Network, s.Addr, s.Restart = network, subnet.Addr().Next().Next(), true
		var out bytes.Buffer
		got, err := e.RunOnce(t.Context(), s, &out)
		if err != nil || got != code {
			t.Errorf("exit %d: %d, %v", code, got, err)
		}
		if !strings.Contains(out.String(), "to stdout\n") || !strings.Contains(out.String(), "to stderr\n") {
			t.Errorf("output %q", out.String())
		}
	}
	s := dockertest.Spec(image, "env")
	s.Env = map[string]paas.Secret{"A": paas.NewSecret("x y")}
	var out bytes.Buffer
	if _, err := e.RunOnce(t.Context(), s, &out); err != nil || !strings.Contains(out.String(), "A=x y\n") || strings.Contains(out.String(), "redacted") {
		t.Errorf("environment %q, %v", out.String(), err)
	}
	out.Reset()
	if _, err := e.RunOnce(t.Context(), dockertest.Spec(image, "long", "3000000"), &out); err != nil || out.Len() != 3000001 {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	if n := containers(t, e); n != 0 {
		t.Errorf("%d containers left behind", n)
	}
}

func TestRunOnceStreams(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("line 3")) {
			cancel() // long before the program ends
		}
		return len(p), nil
	})
	begin := time.Now()
	if _, err := e.RunOnce(ctx, dockertest.Spec(image, "count", "100000"), out); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	if n := containers(t, e); n != 0 {
		t.Errorf("%d containers left behind", n)
	}
}

// Story: a log that could not be written (full disk) hung the deployment.
func TestRunOnceWithABrokenWriter(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	broken := errors.New("disk full")
	_, err := e.RunOnce(t.Context(), dockertest.Spec(image, "count", "100000"), writerFunc(func([]byte) (int, error) { return 0, broken }))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
