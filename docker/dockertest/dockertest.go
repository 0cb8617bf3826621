// Package dockertest lends tests a real engine, a small runnable image and networks. Whatever a test makes through it is removed with the
// test. Only tests import it.
package dockertest

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/docker"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// Switch turns the tests that need Docker on.
const Switch = "CLOUDSANIA_TEST_DOCKER"

// Engine returns the engine as an installation of the test's own. It skips without the switch, and fails with it when no engine answers.
func Engine(t testing.TB) *docker.Engine {
	t.Helper()
	if os.Getenv(Switch) != "1" {
		t.Skip("set " + Switch + "=1 to run the tests that need Docker")
	}
	installation := paas.NewID("inl")
	e, err := docker.Open(docker.Options{Installation: installation})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := e.Ping(ctx); err != nil {
		t.Fatalf("%s=1 needs a running Docker: %v", Switch, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := e.RemoveAll(ctx, true); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return e
}

// Image makes a runnable image and returns its name. It contains one program, /app, which is also /cnb/process/web, /cnb/process/worker,
// /cnb/process/release and every phase of the lifecycle; testdata/app/main.go tells what it can do. It runs as 1000:1000.
func Image(t testing.TB, e *docker.Engine) string {
	t.Helper()
	ref := "cloudsania-test/app:" + paas.NewID("bld")
	cfg := paas.ImageConfig{Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}, User: "1000:1000"}
	if err := e.ImportImage(t.Context(), ref, bytes.NewReader(root(t)), cfg); err != nil {
		t.Fatal(err)
	}
	return ref
}

var pick sync.Mutex

// Network makes a network of 62 addresses that nothing else on this machine uses.
func Network(t testing.TB, e *docker.Engine) (name string, subnet netip.Prefix) {
	t.Helper()
	pick.Lock()
	defer pick.Unlock()
	used, err := e.UsedSubnets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name = "cs-" + paas.NewID("env")
	// Another package's tests may take the same subnet at the same time: the engine decides, and the loser tries the next.
	start := os.Getpid() % 256
	for i := range 1024 {
		n := (start*4 + i) % 1024
		subnet = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(n / 4), byte(n % 4 * 64)}), 26)
		if slices.ContainsFunc(used, subnet.Overlaps) {
			continue
		}
		err := e.EnsureNetwork(t.Context(), name, subnet)
		if err == nil {
			return name, subnet
		}
		if !paas.IsKind(err, paas.Conflict) {
			t.Fatal(err)
		}
	}
	t.Fatal("no free subnet below 10.213.0.0/16")
	return "", netip.Prefix{}
}

// Spec is an instance of image that listens on port 8080, in Docker's default network.
func Spec(image string, argv ...string) docker.Spec {
	return docker.Spec{Kind: docker.KindInstance, ID: paas.NewID("ins"), App: paas.NewID("app"), Environment: paas.NewID("env"), Release: paas.NewID("rel"),
		Process: "web", Image: image, Entrypoint: []string{"/app"}, Argv: argv, Limits: paas.Limits{MemoryMB: 64}}
}

var program = sync.OnceValues(func() ([]byte, error) {
	_, here, _, _ := runtime.Caller(0)
	dir, err := os.MkdirTemp("", "dockertest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "app")
	err = run.Run(context.Background(), run.Cmd{Path: goCommand(), Args: []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "."},
		Dir: filepath.Join(filepath.Dir(here), "testdata", "app"), Env: append(os.Environ(), "CGO_ENABLED=0"), Timeout: 5 * time.Minute})
	if err != nil {
		return nil, fmt.Errorf("build the test image's program: %w", err)
	}
	return os.ReadFile(bin)
})

// goCommand is where the shell that runs the tests found go.
func goCommand() string {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if file := filepath.Join(dir, "go"); filepath.IsAbs(file) {
			if _, err := os.Stat(file); err == nil {
				return file
			}
		}
	}
	return "go"
}

func root(t testing.TB) []byte {
	t.Helper()
	bin, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content []byte) {
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil)
	add(tar.Header{Typeflag: tar.TypeDir, Name: "data/", Mode: 0o755, Uid: 1000, Gid: 1000}, nil)
	add(tar.Header{Typeflag: tar.TypeReg, Name: "data/hello.txt", Mode: 0o644}, []byte("hello\n"))
	add(tar.Header{Typeflag: tar.TypeReg, Name: "app", Mode: 0o755}, bin)
	for _, name := range []string{"process/web", "process/worker", "process/release",
		"lifecycle/analyzer", "lifecycle/detector", "lifecycle/restorer", "lifecycle/builder", "lifecycle/exporter"} {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: "cnb/" + name, Linkname: "/app", Mode: 0o777}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
