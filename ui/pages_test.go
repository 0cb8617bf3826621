package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func at(t *testing.T) time.Time {
	t.Helper()
	if os.Getenv("CLOUDSANIA_UI_OUT") != "" {
		return time.Now() // so that the browser's "ago" agrees
	}
	return time.Date(2026, 11, 17, 9, 42, 0, 0, time.UTC)
}

func render(t *testing.T, p Page) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Render(&buf, p); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// TestPages renders every page in every state. With CLOUDSANIA_UI_OUT=DIR the pages are left there, to be looked at in a browser.
func TestPages(t *testing.T) {
	dir := os.Getenv("CLOUDSANIA_UI_OUT")
	for name, p := range (sample{now: at(t)}).pages() {
		t.Run(name, func(t *testing.T) {
			page := render(t, p)
			for _, f := range faults(page) {
				t.Error(f)
			}
			if n := strings.Count(page, "<h1"); n != 1 {
				t.Errorf("%d first headings", n)
			}
			if strings.Contains(page, "<script>alert") || strings.Contains(page, "onerror=alert(1)>") || strings.Contains(page, "ZgotmplZ") || strings.Contains(page, "\u202e") {
				t.Error("hostile text came through")
			}
			if strings.Contains(page, "<no value>") || strings.Contains(page, "%!") {
				t.Error("a template printed something that is not there")
			}
			if dir != "" {
				if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(page), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if dir != "" {
		writeStatic(t, filepath.Join(dir, "static"))
	}
}

func writeStatic(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	all, err := indexed()
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range all.byName {
		if err := os.WriteFile(filepath.Join(dir, name), a.Body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLiveParts: what is sent to an open page consists of elements that the page has, by the same ids.
func TestLiveParts(t *testing.T) {
	for name, p := range (sample{now: at(t)}).pages() {
		var buf bytes.Buffer
		if err := Live(&buf, p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		page := render(t, p)
		for _, m := range regexp.MustCompile(`<\w+[^>]* id="([^"]+)"`).FindAllStringSubmatch(buf.String(), -1) {
			if !strings.Contains(page, ` id="`+m[1]+`"`) && m[1] != "push" {
				t.Errorf("%s: the live parts have #%s, the page has not", name, m[1])
			}
		}
		_, shell := p.frame()
		if shell.Stream != "" && buf.Len() == 0 {
			t.Errorf("%s has a stream and nothing to send", name)
		}
	}
}

func TestPartsOnTheirOwn(t *testing.T) {
	s := sample{now: at(t)}
	var buf bytes.Buffer
	if err := Body(&buf, PalettePage{Shell: s.shell("", ""), Apps: s.fleet()}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(buf.String(), `data-href="/apps/vela-planner/logs"`) || strings.Contains(buf.String(), "<html") {
		t.Errorf("the palette is\n%s", buf.String())
	}
	buf.Reset()
	if err := Lines(&buf, []Line{{N: 3, At: s.now, From: "web", Text: "<b>\x1b[31mx"}}); err != nil {
		t.Fatal(err)
	}
	if want := `<span class="a-d">web</span> &lt;b&gt;<span class="a-r">x</span>`; !strings.Contains(buf.String(), want) {
		t.Errorf("lines are\n%s\nwithout %s", buf.String(), want)
	}
}

// TestFailedRenderWritesNothing: half a page is worse than an error page.
func TestFailedRenderWritesNothing(t *testing.T) {
	var buf bytes.Buffer
	bad := (sample{now: at(t)}).shell("x", "")
	bad.Scripts = []string{"no-such.js"}
	if err := Render(&buf, MissingPage{Shell: bad, Problem: Problem{Icon: "help"}}); err == nil || buf.Len() > 0 {
		t.Errorf("err %v, wrote %d bytes", err, buf.Len())
	}
}

// TestFirstViewIsSmall holds the promise of under 100 kB of markup, style and scripts (the fonts apart).
func TestFirstViewIsSmall(t *testing.T) {
	for name, p := range (sample{now: at(t)}).pages() {
		page := render(t, p)
		total := len(zipped(t, []byte(page)))
		for _, m := range regexp.MustCompile(StaticPrefix+`([a-z.0-9-]+\.(?:css|js))`).FindAllStringSubmatch(page, -1) {
			a, ok := Static(m[1])
			if !ok {
				t.Fatalf("%s wants %s, which is not there", name, m[1])
			}
			total += len(a.Gzip)
		}
		if total > 60<<10 {
			t.Errorf("%s weighs %d bytes", name, total)
		}
	}
}

func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	if _, err := zw.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestStaticFiles(t *testing.T) {
	url, err := staticURL("cloudsania.css")
	if err != nil {
		t.Fatal(err)
	}
	a, ok := Static(strings.TrimPrefix(url, StaticPrefix))
	if !ok || a.Type != "text/css; charset=utf-8" {
		t.Fatalf("%s: %v %q", url, ok, a.Type)
	}
	zr, err := gzip.NewReader(bytes.NewReader(a.Gzip))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(zr); err != nil || !bytes.Equal(plain, a.Body) {
		t.Errorf("the compressed style sheet differs: %v", err)
	}
	for _, m := range regexp.MustCompile(`url\("([^"]+\.woff2)"\)`).FindAllSubmatch(a.Body, -1) {
		if _, ok := Static(string(m[1])); !ok {
			t.Errorf("the style sheet wants %s, which is not there", m[1])
		}
	}
	for _, name := range []string{"cloudsania.css", "../doc.go", "", "inter.woff2"} {
		if _, ok := Static(name); ok {
			t.Errorf("%q is served, though it is not a hashed name", name)
		}
	}
}

// TestCopy holds the pages to the rules for words: plain, and none of the machinery's own.
func TestCopy(t *testing.T) {
	banned := regexp.MustCompile(`(?i)\b(please|oops|successfully|docker|container|swarm|kubernetes|replica|quota|fqdn|rollback|releases?)\b|!|…\.|error occurred|are you sure`)
	for name, p := range (sample{now: at(t)}).pages() {
		if strings.Contains(name, "wild") || strings.Contains(name, "wrong") || name == "audit-broken" {
			continue
		}
		for _, text := range words(render(t, p)) {
			if m := banned.FindString(text); m != "" && text != "Release command" {
				t.Errorf("%s says %q in %q", name, m, text)
			}
		}
	}
}

// words are the texts of a page that people read.
func words(page string) (out []string) {
	z := html.NewTokenizer(strings.NewReader(page))
	skip := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken:
			n, _ := z.TagName()
			skip = string(n) == "code" || string(n) == "pre"
		case html.EndTagToken:
			skip = false
		case html.TextToken:
			if s := strings.TrimSpace(string(z.Text())); s != "" && !skip {
				out = append(out, s)
			}
		}
	}
}

// TestStyleIsUsed: the style sheet has no rule for a class that nothing bears, and every class in the pages has a rule or a reader.
func TestStyleIsUsed(t *testing.T) {
	all, err := indexed()
	if err != nil {
		t.Fatal(err)
	}
	var everything strings.Builder
	for _, dir := range []string{"templates", "static"} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !(strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".js")) {
				return err
			}
			b, err := os.ReadFile(path)
			everything.Write(b)
			everything.WriteByte('\n')
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	dynamic := regexp.MustCompile(`^(h\d+|a-[a-z]|t-[a-z]+|meter|spark|area|ico|ok|warn|bad|err|wrn|status)$`)
	css := string(all.byName[all.hashed["cloudsania.css"]].Body)
	css = regexp.MustCompile(`(?s)/\*.*?\*/|"[^"]*"`).ReplaceAllString(css, "")
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.([a-z][a-z0-9-]*)[^{};]*[{,]`).FindAllStringSubmatch(css, -1) {
		class := m[1]
		if seen[class] || dynamic.MatchString(class) {
			continue
		}
		seen[class] = true
		if !regexp.MustCompile(`["' .}]` + regexp.QuoteMeta(class) + `["' {)]`).MatchString(everything.String()) {
			t.Errorf("no page uses .%s", class)
		}
	}
}

func TestIconsAreUsed(t *testing.T) {
	var everything strings.Builder
	files, _ := filepath.Glob("templates/*/*.html")
	more, _ := filepath.Glob("*.go")
	for _, f := range append(append(files, more...), "templates/layout.html") {
		if f == "icons.go" || strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		everything.Write(b)
	}
	for name := range icons {
		if !strings.Contains(everything.String(), `"`+name+`"`) {
			t.Errorf("no page shows the icon %q", name)
		}
	}
}
