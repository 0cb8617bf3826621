package docker_test

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/docker/dockertest"
	"github.com/cloudsania/cloudsania/paas"
)

func TestListening(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	network, subnet := dockertest.Network(t, e)
	addr := subnet.Addr().Next().Next()
	for _, tc := range []struct {
		name string
		argv []string
		want []string
	}{
		{"everywhere", []string{"listen", "0.0.0.0:8080"}, []string{"0.0.0.0:8080"}},
		{"both families", []string{"listen", ":3000"}, []string{"[::]:3000"}},
		{"loopback only", []string{"listen", "127.0.0.1:5000", "127.0.0.1:5001"}, []string{"127.0.0.1:5000", "127.0.0.1:5001"}},
		{"nowhere", []string{"sleep"}, nil},
	} {
		s := dockertest.Spec(image, tc.argv...)
		s.Network, s.Addr = network, addr // where Docker's own name server listens, too
		id := start(t, e, s)
		var got []string
		check := func() bool {
			ports, err := e.Listening(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, p := range ports {
				got = append(got, p.String())
			}
			return reflect.DeepEqual(got, tc.want)
		}
		if tc.want == nil {
			time.Sleep(300 * time.Millisecond) // long enough to see what should not be there
			if !check() {
				t.Errorf("%s: %v", tc.name, got)
			}
		} else {
			eventually(t, tc.name, check)
		}
		if err := e.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	id, err := e.Create(t.Context(), dockertest.Spec(image, "sleep"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Listening(t.Context(), id); !paas.IsKind(err, paas.Conflict) {
		t.Errorf("not started: %v", err)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	collect := func(id string, o paas.LogOptions) (lines []string) {
		t.Helper()
		if err := e.Logs(t.Context(), id, o, func(l paas.LogLine) error {
			if time.Since(l.Time) > time.Minute {
				t.Errorf("time %v", l.Time)
			}
			lines = append(lines, l.Stream+": "+l.Text)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return lines
	}
	id := start(t, e, dockertest.Spec(image, "say", "0", "a b", "oops\nnext"))
	eventually(t, "three lines", func() bool { return len(collect(id, paas.LogOptions{})) == 3 })
	got := collect(id, paas.LogOptions{Follow: true}) // ends, since the container has
	slices.Sort(got)
	if want := []string{"stderr: next", "stderr: oops", "stdout: a b"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if got := collect(id, paas.LogOptions{Tail: 1}); len(got) != 1 {
		t.Errorf("tail %q", got)
	}
	if got := collect(id, paas.LogOptions{Since: time.Now().Add(time.Hour)}); len(got) != 0 {
		t.Errorf("since %q", got)
	}

	id = start(t, e, dockertest.Spec(image, "long", "100000"))
	var long []string
	eventually(t, "a long line", func() bool {
		long = collect(id, paas.LogOptions{})
		return len(strings.Join(long, "")) >= 100000
	})
	if len(long) != 2 || len(long[0]) < 64<<10 || strings.Trim(strings.Join(long, ""), "x") != "stdout: "+strings.Repeat("x", len(long[0])-len("stdout: "))+"stdout: " {
		t.Errorf("%d pieces, the first of %d bytes", len(long), len(long[0]))
	}

	if err := e.Logs(t.Context(), "cs-"+paas.NewID("ins"), paas.LogOptions{}, nil); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a missing container: %v", err)
	}
}

func TestLogsFollow(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	id := start(t, e, dockertest.Spec(image, "count", "10000"))
	enough := errors.New("enough")
	var lines []string
	err := e.Logs(t.Context(), id, paas.LogOptions{Follow: true}, func(l paas.LogLine) error {
		if lines = append(lines, l.Text); len(lines) == 5 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || !reflect.DeepEqual(lines, []string{"line 0", "line 1", "line 2", "line 3", "line 4"}) {
		t.Errorf("%q, %v", lines, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = e.Logs(ctx, id, paas.LogOptions{Follow: true, Tail: 1}, func(paas.LogLine) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	image := dockertest.Image(t, e)
	s := dockertest.Spec(image, "hog", "30")
	id := start(t, e, s)
	var got docker.Stats
	eventually(t, "30 MB in use", func() bool {
		var err error
		begin := time.Now()
		if got, err = e.Stats(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return got.MemoryBytes >= 30<<20 && time.Since(begin) < time.Second
	})
	if got.CPUNanos <= 0 || got.MemoryBytes > 64<<20 || time.Since(got.Time) > time.Minute {
		t.Errorf("got %+v", got)
	}
	if err := e.Stop(t.Context(), id, 0); err != nil {
		t.Fatal(err)
	}
	if got, err := e.Stats(t.Context(), id); err != nil || got.CPUNanos != 0 || got.MemoryBytes != 0 {
		t.Errorf("stopped: %+v, %v", got, err)
	}
	if _, err := e.Stats(t.Context(), "cs-"+paas.NewID("ins")); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("a missing container: %v", err)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	e, other := dockertest.Engine(t), dockertest.Engine(t)
	image, foreign := dockertest.Image(t, e), dockertest.Image(t, other)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var seen []docker.Event
	has := func(a docker.Action, instance string) bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.ContainsFunc(seen, func(x docker.Event) bool { return x.Action == a && x.Instance == instance })
	}
	ended := make(chan error, 1)
	go func() {
		ended <- e.Events(ctx, func(x docker.Event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, x)
		})
	}()
	eventually(t, "the connection", func() bool { return has(docker.Connected, "") })
	start(t, other, dockertest.Spec(foreign, "say", "0", "", ""))
	s := dockertest.Spec(image, "say", "3", "", "")
	id := start(t, e, s)
	hog := dockertest.Spec(image, "hog", "300")
	start(t, e, hog)
	eventually(t, "the events", func() bool {
		return has(docker.Started, s.ID) && has(docker.Died, s.ID) && has(docker.OOM, hog.ID) && has(docker.Died, hog.ID)
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, x := range seen {
		if x.Action == docker.Connected {
			continue
		}
		if x.Instance != s.ID && x.Instance != hog.ID || time.Since(x.Time) > time.Minute {
			t.Errorf("another's: %+v", x)
		}
		if x.Action == docker.Died && x.Instance == s.ID && (x.ExitCode != 3 || x.ID != id || x.App != s.App || x.Name != "cs-"+s.ID) {
			t.Errorf("got %+v", x)
		}
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	e := dockertest.Engine(t)
	i, err := e.Ping(t.Context())
	if err != nil || i.Version == "" || i.API == "" || i.CgroupVersion < 1 || i.CgroupVersion > 2 || i.CgroupDriver == "" || i.StorageDriver == "" || i.CPUs < 1 || i.MemoryBytes < 1<<28 {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestUsedSubnetsHasThisMachine(t *testing.T) {
	e := dockertest.Engine(t)
	used, err := e.UsedSubnets(t.Context())
	if err != nil || !slices.Contains(used, netip.MustParsePrefix("127.0.0.0/8")) || !slices.IsSortedFunc(used, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }) {
		t.Errorf("got %v, %v", used, err)
	}
	for _, p := range used {
		if p.Bits() == 0 {
			t.Error("the default route is among them")
		}
	}
}
