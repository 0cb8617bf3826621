package builder

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/builder/registry"
	"github.com/cloudsania/cloudsania/builder/runtimes"
	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

func withRegistry(t *testing.T) *Builder {
	t.Helper()
	b := bare(t)
	var err error
	if b.registry, err = registry.Listen(registry.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.registry.Close() })
	b.self.digest = "1"
	return b
}

func TestImageNames(t *testing.T) {
	b := withRegistry(t)
	names := func(set ...string) images {
		t.Helper()
		i, err := b.imagesFor(set)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	plain := names()
	if again := names(); again.builder != plain.builder || again.run != plain.run {
		t.Error("the same recipe has two names")
	}
	php := names("php-cli", "apache2")
	if same := names("apache2", "php-cli", "php-cli"); same.builder != php.builder || !slices.Equal(same.set, []string{"apache2", "php-cli"}) {
		t.Error("the order of packages matters")
	}
	if php.base != plain.base || php.lifecycle != plain.lifecycle || php.run == plain.run || php.build == plain.build || php.builder == plain.builder {
		t.Errorf("a set shares the wrong images: %+v %+v", plain, php)
	}
	b.self.digest = "2" // a new binary redoes only the last step
	next := names()
	if next.run != plain.run || next.build != plain.build || next.base != plain.base || next.builder == plain.builder {
		t.Errorf("a new binary: %+v, before %+v", next, plain)
	}
	for _, bad := range []string{"-o", "a b", "x;y", "UP", "", "a/b", "--allow-unauthenticated", "foo=1"} {
		if _, err := b.imagesFor([]string{bad}); !paas.IsKind(err, paas.Failed) {
			t.Errorf("the package %q: %v", bad, err)
		}
	}
	if _, err := b.imagesFor(strings.Split(strings.Repeat("pkg,", maxPackages+1), ",")); err == nil {
		t.Error("an empty name among too many packages")
	}
}

func TestWriteBase(t *testing.T) {
	tree := t.TempDir()
	write(t, tree, map[string]string{
		"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/shadow": "root:*:1::::::\n", "etc/hostname": "builder", "etc/resolv.conf": "x",
		"etc/apt/sources.list": "old", "etc/apt/apt.conf.d/x": "x", "etc/dpkg/dpkg.cfg.d/x": "x", "bin": "->usr/bin", "usr/bin/true": "t",
		"usr/share/doc/bash/copyright": "c", "usr/share/doc/bash/README": "r", "usr/share/man/man1/x.1": "m", "usr/share/locale/de/x": "l",
		"var/cache/apt/pkgcache.bin": "p", "var/lib/apt/lists/x": "l", "var/lib/apt/lists/partial/y": "l", "var/lib/dpkg/status": "s", "var/lib/dpkg/status-old": "s",
		"var/log/bootstrap.log": "l", "home/x": "x", "tmp/x": "x", "dev/null/x": "x", "debootstrap/log": "x",
	})
	if err := os.Chmod(filepath.Join(tree, "tmp"), os.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := writeBase(context.Background(), tree, "deb x\n", &first); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := os.Chtimes(filepath.Join(tree, "usr/bin/true"), now, now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := writeBase(context.Background(), tree, "deb x\n", &second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("the same tree gives two archives (%v)", err)
	}
	files, texts := map[string]*tar.Header{}, map[string]string{}
	for tr := tar.NewReader(&first); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		text, _ := io.ReadAll(tr)
		files[h.Name], texts[h.Name] = h, string(text)
	}
	for _, gone := range []string{"etc/hostname", "etc/resolv.conf", "usr/share/doc/bash/README", "usr/share/man/man1/x.1", "usr/share/locale/de/x", "var/cache/apt/pkgcache.bin",
		"var/lib/apt/lists/x", "var/lib/dpkg/status-old", "var/log/bootstrap.log", "tmp/x", "dev/null/x", "debootstrap/log"} {
		if files[gone] != nil {
			t.Errorf("%s is in the image", gone)
		}
	}
	for name, want := range map[string]string{"etc/apt/sources.list": "deb x\n", "usr/bin/true": "t", "usr/share/doc/bash/copyright": "c", "var/lib/dpkg/status": "s",
		"etc/passwd": "root:x:0:0::/root:/bin/sh\ncnb:x:1000:1000::/home/cnb:/bin/bash\n", "etc/group": "root:x:0:\ncnb:x:1000:\n"} {
		if texts[name] != want {
			t.Errorf("%s is %q, not %q", name, texts[name], want)
		}
	}
	for _, dir := range []string{"home/cnb/", "cloudsania/cache/"} {
		if h := files[dir]; h == nil || h.Uid != buildUser || h.Gid != buildUser {
			t.Errorf("%s: %+v", dir, h)
		}
	}
	if h := files["bin"]; h == nil || h.Typeflag != tar.TypeSymlink || h.Linkname != "usr/bin" {
		t.Errorf("bin: %+v", h)
	}
	if h := files["tmp/"]; h == nil || h.Mode != 0o1777 {
		t.Errorf("tmp: %+v", h)
	}
	if h := files["usr/sbin/policy-rc.d"]; h == nil || h.Mode != 0o755 {
		t.Errorf("policy-rc.d: %+v", h)
	}
}

func TestCompleteTree(t *testing.T) {
	tree := t.TempDir()
	if complete("") || complete(tree) || complete(filepath.Join(tree, "none")) {
		t.Error("nothing counts as a base")
	}
	write(t, tree, map[string]string{"etc/debian_version": "13.1\n", "debootstrap/debootstrap.log": "x"})
	if complete(tree) {
		t.Error("a base that debootstrap still works on counts as one")
	}
	if err := os.RemoveAll(filepath.Join(tree, "debootstrap")); err != nil {
		t.Fatal(err)
	}
	if !complete(tree) {
		t.Error("a whole base does not count as one")
	}
}

func TestExplainApt(t *testing.T) {
	cause := errors.New("status 100")
	p := paas.Public(explainApt(cause, "Reading\nE: Unable to locate package nope-dev\n"))
	if p.Kind != paas.Failed || p.Msg != `Debian 13 has no package "nope-dev"` {
		t.Errorf("%+v", p)
	}
	p = paas.Public(explainApt(cause, "Err:1 http://mirror.example/debian trixie InRelease\n  Could not resolve\nE: Failed to fetch x\n"))
	if p.Kind != paas.Unavailable || !strings.Contains(p.Msg, "E: Failed to fetch x") {
		t.Errorf("%+v", p)
	}
	if err := explainApt(cause, "fine"); err != cause {
		t.Errorf("nothing to explain: %v", err)
	}
	if err := explainApt(context.Canceled, "E: x"); !errors.Is(err, context.Canceled) || paas.IsKind(err, paas.Unavailable) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestProgress(t *testing.T) {
	b := &Builder{progress: newProgress()}
	changed := b.Changed()
	var percents []int
	m := &lineMeter{tell: func(_, _ string, percent int) {
		percents = append(percents, percent)
		b.progress.set(Status{Step: "base", Percent: percent})
	}, from: 10, to: 20, expect: 4}
	for range 6 {
		_, _ = m.Write([]byte("a line\n"))
	}
	if !slices.Equal(percents, []int{12, 15, 17, 20, 20, 20}) {
		t.Errorf("percents %v", percents)
	}
	select {
	case <-changed:
	default:
		t.Error("the change was not announced")
	}
	changed = b.Changed()
	b.progress.set(Status{Step: "base", Percent: 20})
	select {
	case <-changed:
		t.Error("no change was announced as one")
	default:
	}
	b.progress.fail(&paas.Error{Kind: paas.Unavailable, Msg: "no network"})
	if s := b.Status(); s.Ready || s.Err == nil || s.Message != "no network" || s.failures != 1 {
		t.Errorf("status %+v", s)
	}
	_, _ = m.Write(bytes.Repeat([]byte("x"), 3*tailBytes))
	if len(m.tail.String()) != tailBytes {
		t.Errorf("a tail of %d bytes", len(m.tail.String()))
	}
}

// A build that finds the last try failed asks for another and reports that one's failure, not the old one's.
func TestWaitReady(t *testing.T) {
	b := &Builder{progress: newProgress(), wake: make(chan struct{}, 1)}
	b.progress.fail(errors.New("old"))
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- b.waitReady(context.Background(), &out) }()
	<-b.wake
	b.progress.set(Status{Step: "base", Message: "fetching", Percent: 3})
	b.progress.fail(errors.New("new"))
	if err := <-done; err == nil || err.Error() != "new" {
		t.Errorf("error %v", err)
	}
	go func() { done <- b.waitReady(context.Background(), io.Discard) }()
	<-b.wake
	b.progress.set(Status{Ready: true, Percent: 100})
	if err := <-done; err != nil {
		t.Error(err)
	}
	b.progress.set(Status{Message: "again"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.waitReady(ctx, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTakePlace(t *testing.T) {
	b := &Builder{slots: make(chan struct{}, 2)}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	first, err := b.takePlace(ctx, Request{App: "a", Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if _, err := b.takePlace(ctx, Request{App: "a", Out: &out}); err == nil || out.String() != "waiting for another build to end\n" {
		t.Errorf("two builds of one app: %v %q", err, out.String())
	}
	second, err := b.takePlace(context.Background(), Request{App: "b", Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.takePlace(ctx, Request{App: "c", Out: io.Discard}); err == nil {
		t.Error("three builds in two places")
	}
	first()
	second()
	for _, app := range []string{"a", "c"} { // those who gave up hold nothing
		if release, err := b.takePlace(context.Background(), Request{App: app, Out: io.Discard}); err != nil {
			t.Error(err)
		} else {
			release()
		}
	}
}

func TestWatchDisk(t *testing.T) {
	_, free, err := disk.Free(t.TempDir())
	if err != nil || free == 0 {
		t.Fatalf("%d bytes free, %v", free, err)
	}
	ctx, stop := watchDisk(context.Background(), t.TempDir(), free*1000)
	defer stop()
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("a disk that is too full was not noticed")
	}
	if err := withCause(ctx, ctx.Err()); !errors.Is(err, errDiskFull) {
		t.Errorf("cause %v", err)
	}
	ctx, stop = watchDisk(context.Background(), t.TempDir(), 0)
	stop()
	if err := withCause(ctx, errors.New("x")); errors.Is(err, errDiskFull) {
		t.Errorf("cause %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	b := withRegistry(t)
	b.caBundle = "/host/ca.crt"
	b.mirrors = Mirrors{NPM: "https://npm.example"}
	dir := t.TempDir()
	var err error
	if b.runtimes, err = newRuntimes(t); err != nil {
		t.Fatal(err)
	}
	req := Request{Env: map[string]paas.Secret{"TOKEN": paas.NewSecret("s3cret"), "SSL_CERT_FILE": paas.NewSecret("/own")}}
	mounts, err := b.prepareMounts(dir, req, paas.Plan{Language: "node"}, "vol")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"env/TOKEN": "s3cret", "env/SSL_CERT_FILE": "/own", "env/NODE_EXTRA_CA_CERTS": contract.CAFile, "env/npm_config_registry": "https://npm.example"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != want {
			t.Errorf("%s is %q (%v)", name, text, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "env", "PIP_INDEX_URL")); err == nil {
		t.Error("a mirror that is not set")
	}
	for _, want := range []string{dir + "/env:/platform/env:ro", "vol:/cloudsania/cache:rw", "/host/ca.crt:/cloudsania/ca.crt:ro", dir + "/plan.json:/cloudsania/plan.json:ro"} {
		if !slices.Contains(mounts, want) {
			t.Errorf("%v lack %s", mounts, want)
		}
	}
	for _, bad := range []string{"../x", "a/b", "PORT", ""} {
		if _, err := b.prepareMounts(t.TempDir(), Request{Env: map[string]paas.Secret{bad: {}}}, paas.Plan{}, "vol"); err == nil {
			t.Errorf("the variable %q became a file", bad)
		}
	}
}

func TestTouch(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, filepath.Dir(outside), map[string]string{"outside": "x"})
	write(t, dir, map[string]string{"a/b": "x", "link": "->" + outside})
	old := time.Now().Add(-time.Hour)
	for _, f := range []string{filepath.Join(dir, "a/b"), outside} {
		if err := os.Chtimes(f, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := touch(dir); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "a/b")); err != nil || time.Since(fi.ModTime()) > time.Minute {
		t.Errorf("the file stayed old (%v)", err)
	}
	if fi, err := os.Stat(outside); err != nil || time.Since(fi.ModTime()) < time.Minute {
		t.Errorf("a file behind a link was touched (%v)", err)
	}
}

func TestMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	if err := os.WriteFile(file, []byte("MemTotal: 2048000 kB\nMemAvailable: 1024000 kB\nSwapFree: 512000 kB\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := availableMB(file); got != 1500 {
		t.Errorf("%d MB", got)
	}
	if got := availableMB(file + "x"); got != 0 {
		t.Errorf("%d MB of nothing", got)
	}
	b := &Builder{memoryMB: 700, slots: make(chan struct{}, 1)}
	if got := b.buildMemoryMB(); got != 700 {
		t.Errorf("%d MB", got)
	}
	b.memoryMB = 0
	if got := b.buildMemoryMB(); got < minBuildMB {
		t.Errorf("%d MB", got)
	}
}

func TestProgramMustBeStatic(t *testing.T) {
	for _, c := range []struct {
		file string
		says string
	}{{"/bin/ls", "not linked statically"}, {"recipe.go", "no Linux program"}} {
		p, err := openProgram(c.file)
		if err != nil {
			t.Fatal(err)
		}
		if p.err == nil || !strings.Contains(p.err.Error(), c.says) || len(p.digest) != 64 {
			t.Errorf("%s: %v", c.file, p.err)
		}
	}
	if _, err := openProgram("/nothing"); err == nil {
		t.Error("a program that is not there")
	}
}

func newRuntimes(t *testing.T) (*runtimes.Cache, error) {
	t.Helper()
	return runtimes.New(runtimes.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
}
