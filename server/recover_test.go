package server_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/page"
	"github.com/cloudsania/cloudsania/server/servertest"
)

// With the database gone, nobody can claim the server anew; its administrator is told what to do, others are not told where.
func TestRecovery(t *testing.T) {
	dir, err := os.MkdirTemp("", "cs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Recover(ctx, dir, page.Recovery, slog.New(slog.DiscardHandler)) }()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "web.sock")); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no socket")
		}
	}
	get := func(socket, path string) string {
		c := servertest.SocketClient(filepath.Join(dir, socket))
		defer c.CloseIdleConnections()
		resp, err := c.Get("http://control" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s%s: %d %v", socket, path, resp.StatusCode, err)
		}
		return string(b)
	}
	for _, path := range []string{"/", "/claim", "/api/v1/claim", "/api/v1/apps"} {
		if b := get("web.sock", path); strings.Contains(b, dir) {
			t.Errorf("%s tells where the data is: %s", path, b)
		}
	}
	if b := get("control.sock", "/api/v1/apps"); !strings.Contains(b, dir) {
		t.Errorf("the administrator is not told what to do: %s", b)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
