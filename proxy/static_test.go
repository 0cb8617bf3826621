package proxy

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// site makes a build below the rig's static root and returns the upstream for it.
func (r *rig) site(files map[string]string, spa bool) paas.Upstream {
	r.Helper()
	build := paas.NewID("bld")
	for name, content := range files {
		path := filepath.Join(r.dir, "static", build, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			r.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			r.Fatal(err)
		}
	}
	return paas.Upstream{Instance: "ins_" + build, Dir: build, SPA: spa}
}

var plainSite = map[string]string{
	"index.html": "home", "about.html": "about", "docs/index.html": "docs", "docs.html": "docs page", "blog/index.html": "blog",
	"guide/a.txt": "a", "foo/index.html": "foo", "404.html": "own 404", "a b.txt": "space", "ümlaut.txt": "umlaut",
	".env": "SECRET", ".git/config": "SECRET", ".well-known/security.txt": "contact", ".well-known/.hidden": "SECRET", "js/.htaccess": "SECRET",
	"LICENSE": "words", "data.unknown": "?", "assets/index-BxY2z9Qa.js": "js",
}

func TestStaticPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("s.example", r.site(plainSite, false)))
	for _, c := range []struct {
		path string
		code int
		want string // body, or Location of a redirect
	}{
		{"/", 200, "home"}, {"/index.html", 200, "home"}, {"//", 200, "home"}, {"/index", 200, "home"},
		{"/about", 200, "about"}, {"/about.html", 200, "about"}, {"/about/", 200, "about"},
		{"/docs", 200, "docs page"}, {"/docs/", 200, "docs"},
		{"/blog", 308, "/blog/"}, {"/blog?x=1&y=%2F", 308, "/blog/?x=1&y=%2F"}, {"//blog", 308, "/blog/"}, {"/blog/", 200, "blog"}, {"/foo/index", 200, "foo"},
		{"/guide", 404, "own 404"}, {"/guide/", 404, "own 404"}, {"/nothing", 404, "own 404"},
		{"/a%20b.txt", 200, "space"}, {"/%C3%BCmlaut.txt", 200, "umlaut"},
		{"/.env", 404, "own 404"}, {"/%2eenv", 404, "own 404"}, {"/.git/config", 404, "own 404"}, {"/js/.htaccess", 404, "own 404"},
		{"/.well-known/security.txt", 200, "contact"}, {"/.well-known/.hidden", 404, "own 404"}, {"/x/.well-known/security.txt", 404, "own 404"},
		{"/../secret", 404, "own 404"}, {"/%2e%2e/secret", 404, "own 404"}, {"/a/%2e%2e/index.html", 404, "own 404"}, {"/..%5c..%5csecret", 404, "own 404"},
		{"/index.html%00.txt", 404, "own 404"}, {"/index.html/", 404, "own 404"}, {"/%2f%2fevil.example/", 404, "own 404"},
	} {
		res := r.do(http.MethodGet, "s.example", c.path, nil, nil)
		got := read(t, res)
		if res.StatusCode == http.StatusPermanentRedirect {
			got = res.Header.Get("Location")
		}
		if res.StatusCode != c.code || got != c.want {
			t.Errorf("%s: %d %q, want %d %q", c.path, res.StatusCode, got, c.code, c.want)
		}
	}
	if res := r.do(http.MethodPost, "s.example", "/", nil, strings.NewReader("x")); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", res.StatusCode)
	}
	if res := r.do(http.MethodHead, "s.example", "/about", nil, nil); res.StatusCode != 200 || res.ContentLength != 5 || read(t, res) != "" {
		t.Errorf("HEAD: %d, %d", res.StatusCode, res.ContentLength)
	}
}

func TestStaticSPA(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("s.example", r.site(map[string]string{"index.html": "app", "assets/a.js": "js"}, true)))
	for path, code := range map[string]int{"/": 200, "/users/7": 200, "/users/7/": 200, "/missing.js": 404, "/assets/gone.css": 404, "/.env": 404, "/.well-known/x": 404, "/assets/a.js": 200} {
		res := r.do(http.MethodGet, "s.example", path, nil, nil)
		if body := read(t, res); res.StatusCode != code || (code == 200 && !strings.HasSuffix(path, ".js") && body != "app") {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
}

// A link that leads out of the build is not followed, not even to another build.
func TestStaticLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	mine, others := r.site(map[string]string{"index.html": "mine", "real.txt": "real"}, false), r.site(map[string]string{"index.html": "SECRET"}, false)
	root := filepath.Join(r.dir, "static", mine.Dir)
	if err := os.WriteFile(filepath.Join(r.dir, "secret.txt"), []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"abs.txt": filepath.Join(r.dir, "secret.txt"), "rel.txt": "../../secret.txt", "other": "../" + others.Dir, "inside.txt": "real.txt"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	r.apply(routeTo("s.example", mine))
	for path, want := range map[string]string{"/abs.txt": "", "/rel.txt": "", "/other/index.html": "", "/other/": "", "/inside.txt": "real"} {
		code, body := r.get("s.example", path)
		if strings.Contains(body, "SECRET") || (want != "" && body != want) || (want == "" && code != 404) {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
}

func TestStaticHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	text := strings.Repeat("words and words\n", 1000)
	up := r.site(map[string]string{"index.html": text, "assets/index-BxY2z9Qa.js": text, "p.css": "plain", "p.css.br": "BROTLI", "p.css.gz": "GZIP",
		"photo.png": text, "LICENSE": text, "404.html": "gone", "small.txt": "s"}, false)
	r.apply(routeTo("s.example", up))
	get := func(path string, header ...string) *http.Response {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return r.do(http.MethodGet, "s.example", path, h, nil)
	}
	for path, want := range map[string]string{"/": "no-cache", "/photo.png": "no-cache", "/nothing": "no-cache", "/assets/index-BxY2z9Qa.js": "public, max-age=31536000, immutable"} {
		if res := get(path); res.Header.Get("Cache-Control") != want || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
	for path, want := range map[string]string{"/": "text/html; charset=utf-8", "/assets/index-BxY2z9Qa.js": "text/javascript; charset=utf-8", "/photo.png": "image/png", "/LICENSE": "text/plain; charset=utf-8"} {
		if got := get(path).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: type %q", path, got)
		}
	}
	for _, c := range []struct{ accept, encoding, body string }{
		{"gzip, deflate, br", "br", "BROTLI"}, {"gzip", "gzip", "GZIP"}, {"", "", "plain"}, {"br;q=0, gzip;q=0.5", "gzip", "GZIP"}, {"br; q=0", "", "plain"},
	} {
		res := get("/p.css", "Accept-Encoding", c.accept)
		if body := read(t, res); res.Header.Get("Content-Encoding") != c.encoding || body != c.body || res.Header.Get("Vary") != "Accept-Encoding" ||
			res.Header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("%q: %v %q", c.accept, res.Header, body)
		}
	}
	packed := get("/", "Accept-Encoding", "gzip")
	zr, err := gzip.NewReader(packed.Body)
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal(err, packed.Header)
	}
	if b, err := io.ReadAll(zr); string(b) != text || err != nil {
		t.Errorf("compressed as it goes: %d bytes, %v", len(b), err)
	}
	for _, path := range []string{"/photo.png", "/small.txt"} {
		if res := get(path, "Accept-Encoding", "gzip"); res.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s was compressed", path)
		}
	}
	tag := get("/").Header.Get("Etag")
	if !strings.Contains(tag, up.Dir) || tag == packed.Header.Get("Etag") {
		t.Errorf("tags %q and %q", tag, packed.Header.Get("Etag"))
	}
	if res := get("/", "If-None-Match", tag); res.StatusCode != http.StatusNotModified {
		t.Errorf("not modified: %d", res.StatusCode)
	}
	if res := get("/", "If-None-Match", "W/"+packed.Header.Get("Etag"), "Accept-Encoding", "gzip"); res.StatusCode != http.StatusNotModified || read(t, res) != "" {
		t.Errorf("not modified, compressed: %d", res.StatusCode)
	}
	if res := get("/nothing", "If-None-Match", "*", "Range", "bytes=0-1"); res.StatusCode != http.StatusNotFound || read(t, res) != "gone" {
		t.Errorf("conditions on a page that is not there: %d", res.StatusCode)
	}
	if res := get("/photo.png", "Range", "bytes=6-8"); res.StatusCode != http.StatusPartialContent || read(t, res) != "and" {
		t.Errorf("range: %d", res.StatusCode)
	}
	if res := get("/", "Range", "bytes=6-8", "Accept-Encoding", "gzip"); res.StatusCode != http.StatusPartialContent || read(t, res) != "and" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("range of a compressible file: %d", res.StatusCode)
	}
	if res := get("/photo.png", "Range", "bytes=6-8", "If-Range", `"older"`); res.StatusCode != http.StatusOK {
		t.Errorf("range of an older build: %d", res.StatusCode)
	}
	if res := get("/"); res.Header.Get("Last-Modified") != "" {
		t.Error("a rollback would turn Last-Modified back, and browsers would keep the newer page")
	}
}

func TestHashedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"assets/index-BxY2z9Qa.js": true, "assets/index-B-Y2z9_a.css": true, "assets/index-BxY2z9Qa.js.map": true,
		"static/js/main.3f2a1b9c.js": true, "static/css/main.3f2a1b9c.chunk.css": true, "static/media/logo.0123456789abcdef0123.svg": true,
		"_next/static/chunks/app.js": true, "_astro/x.css": true, "_app/immutable/x.js": true,
		"index-BxY2z9Qa.js": false, "assets/index.js": false, "assets/bootstrap-datepicker.js": false, "assets/jquery-3.7.1.min.js": false,
		"assets/photo-20240101.jpg": false, "assets/report-2024final.pdf": false, "assets/page-BxY2z9Qa.html": false, "js/app.min.js": false,
		"assets/style.css": false, "css/a-b.css": false,
	} {
		if hashed(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// A download that has begun ends with the files of its own release, and the instance stays in use until then.
func TestStaticDownloadAcrossSwap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	size := 32 << 20
	old := r.site(map[string]string{"big.bin": strings.Repeat("o", size)}, false)
	r.apply(routeTo("s.example", old))
	res := r.do(http.MethodGet, "s.example", "/big.bin", nil, nil)
	head := make([]byte, 1000)
	if _, err := io.ReadFull(res.Body, head); err != nil {
		t.Fatal(err)
	}
	table := routeTo("s.example", r.site(map[string]string{"big.bin": "new"}, false))
	table.Draining = []string{old.Instance}
	r.apply(table)
	if n := r.status().Active[old.Instance]; n != 1 {
		t.Errorf("active: %d", n)
	}
	if _, body := r.get("s.example", "/big.bin"); body != "new" {
		t.Errorf("new requests get %d bytes", len(body))
	}
	rest, err := io.ReadAll(res.Body)
	if err != nil || len(rest) != size-len(head) || strings.Trim(string(rest), "o") != "" {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
	eventually(t, "the old directory is free", func() bool { return r.status().Active[old.Instance] == 0 })
	r.apply(table) // still named: its last counters can still be fetched
	if c := r.status().Counters[old.Instance]; c.Sent < int64(size) || c.Requests != 1 {
		t.Errorf("%+v", c)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "static", old.Dir)); err != nil {
		t.Error(err)
	}
}

func TestStaticDirectoryMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("s.example", paas.Upstream{Instance: "ins_1", Dir: paas.NewID("bld")}))
	if code, _ := r.get("s.example", "/"); code != http.StatusServiceUnavailable {
		t.Errorf("%d", code)
	}
	table := routeTo("s.example", paas.Upstream{Instance: "ins_1", Dir: "../../etc"})
	r.apply(table) // no build id: never becomes a path
	if code, body := r.get("s.example", "/passwd"); code != http.StatusNotFound {
		t.Errorf("%d %q", code, body)
	}
}

// All compressors lent: the file goes out as it is, no request waits.
func TestGzipIsNeverWaitedFor(t *testing.T) {
	p := newGzipPool()
	var lent []*gzip.Writer
	for range cap(p.free) {
		lent = append(lent, p.get(io.Discard))
	}
	if slices.Contains(lent, nil) || p.get(io.Discard) != nil {
		t.Fatal("not as many as there should be")
	}
	p.put(lent[0])
	if p.get(io.Discard) == nil {
		t.Error("one that came back is not lent again")
	}
}

func FuzzFilePath(f *testing.F) {
	for _, s := range []string{"/", "/a/b", "/../x", "/./x", "/.env", "/.well-known/x", "//x//", "/a\x00b", "/a\\..\\b", "x", "/%2e%2e/"} {
		f.Add(s)
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, dir, ok := filePath(s)
		if !ok {
			return
		}
		if name != "." && !filepath.IsLocal(name) {
			t.Errorf("%q becomes %q", s, name)
		}
		for _, part := range strings.Split(name, "/") {
			if name != "." && (part == "" || (part[0] == '.' && part != ".well-known")) {
				t.Errorf("%q becomes %q", s, name)
			}
		}
		for _, c := range candidates(name, dir) {
			if file, err := root.Open(c); err == nil {
				file.Close()
				t.Errorf("%q opens %q in an empty directory", s, c)
			}
		}
	})
}

func TestStaticSwapsUnderLoad(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.apply(routeTo("s.example", r.site(map[string]string{"index.html": "version 0"}, false)))
	load := startLoad(t, 4, r.plain(), "s.example", nil)
	for i := range 10 {
		time.Sleep(20 * time.Millisecond)
		r.apply(routeTo("s.example", r.site(map[string]string{"index.html": fmt.Sprintf("version %d", i+1)}, false)))
	}
	load.stop()
	load.check(20)
}
