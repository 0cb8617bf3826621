package main

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEnvironmentLeadsNowhereElse(t *testing.T) {
	env := environment([]string{"PATH=/bin", "CLOUDSANIA_URL=https://live.example.com", "CLOUDSANIA_TOKEN=x", "GIT_DIR=/live/.git", "HTTP_PROXY=http://p:1", "GITHUB=1"})
	for _, want := range []string{"PATH=/bin", "HTTP_PROXY=http://p:1", "GITHUB=1", "no_proxy=127.0.0.1,localhost"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing in %v", want, env)
		}
	}
	if s := strings.Join(env, " "); strings.Contains(s, "live") || strings.Contains(s, "TOKEN") {
		t.Errorf("the commands would talk to a live server: %s", s)
	}
}

func TestFailedCommandSaysWhatItSaid(t *testing.T) {
	_, err := run(command(t.Context(), "git", "no-such-command"))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "is not a git command") {
		t.Errorf("= %v", err)
	}
	if strings.Contains(firstLine(err), "\n") || !strings.Contains(firstLine(err), "exit status") {
		t.Errorf("first line = %q", firstLine(err))
	}
}

func TestStoppedCommandEndsWithItsChildren(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := run(command(ctx, "sh", "-c", "sleep 30 & wait"))
	if err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("ended after %s with %v", time.Since(began), err)
	}
}
