package server

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestSocketsThatAreInTheWay(t *testing.T) {
	dir, err := os.MkdirTemp("", "cs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	stale := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as after a kill -9
	_ = l.Close()
	d, err := listen(stale, 0o600)
	if err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	_ = d.Close()
	if err := os.WriteFile(stale, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(stale, 0o600); err == nil {
		t.Error("a file of somebody's is replaced by a socket")
	}
	if _, err := listen(filepath.Join(dir, strings.Repeat("x", 200)), 0o600); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("a path that is too long: %v", err)
	}
}

func TestVisitorsAddressComesFromTheEdge(t *testing.T) {
	for _, tt := range []struct {
		peer peer
		head []string
		want string
	}{
		{peer{edge: true}, []string{"203.0.113.9"}, "203.0.113.9"},
		{peer{edge: true}, []string{"10.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		{peer{edge: true}, []string{"10.0.0.1", "2001:db8::1"}, "2001:db8::1"},
		{peer{edge: true}, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{peer{edge: true}, []string{"evil\nx"}, ""},
		{peer{edge: true}, nil, ""},
		{peer{root: true}, []string{"203.0.113.9"}, ""},
	} {
		q, err := http.NewRequest("GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header["X-Forwarded-For"] = tt.head
		if got := addrOf(withPeer(q, tt.peer)); got != tt.want {
			t.Errorf("%+v %q: %q, want %q", tt.peer, tt.head, got, tt.want)
		}
	}
}
