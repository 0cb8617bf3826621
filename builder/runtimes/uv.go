package runtimes

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// uv comes from its wheel. The musl one is linked statically: it runs on every base, and on this host.
type uv struct{ c *Cache }

var wheelName = regexp.MustCompile(`^uv-(\d+\.\d+\.\d+)-py3-none-[a-z0-9_.]*musllinux_[0-9_]+_([a-z0-9_]+)\.whl$`)

func (u uv) index(ctx context.Context) ([]release, error) {
	simple, err := u.c.pythonIndex(ctx)
	if err != nil {
		return nil, err
	}
	from := simple + "/uv/"
	page, err := u.c.document(ctx, "the list of uv's versions", from, "text/html, application/vnd.pypi.simple.v1+html")
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(from)
	if err != nil {
		return nil, unusable("the list of uv's versions", from, err)
	}
	var list []release
	for _, l := range links(string(page)) {
		m := wheelName.FindStringSubmatch(l.text)
		if m == nil || m[2] != u.arch() {
			continue
		}
		target, err := base.Parse(l.href)
		if err != nil {
			continue
		}
		sum, ok := strings.CutPrefix(target.Fragment, "sha256=")
		if !ok {
			continue
		}
		target.Fragment = ""
		list = append(list, release{Version: m[1], URL: target.String(), Sum: "sha256:" + sum})
	}
	return list, nil
}

func (u uv) install(ctx context.Context, r release, dir string) error {
	what := "uv " + r.Version
	file := filepath.Join(filepath.Dir(dir), "download")
	if err := u.c.download(ctx, what, r.URL, r.Sum, file); err != nil {
		return err
	}
	if err := unpackZip(file, dir, keepUV); err != nil {
		return unusable(what, r.URL, err)
	}
	if err := os.Chmod(filepath.Join(dir, "uv"), 0o755); err != nil {
		return unusable(what, r.URL, err)
	}
	return nil
}

func keepUV(name string) string {
	if strings.HasSuffix(name, ".data/scripts/uv") {
		return "uv"
	}
	return ""
}

func (u uv) arch() string {
	if a, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[u.c.arch]; ok {
		return a
	}
	return u.c.arch
}

type link struct{ text, href string }

// links reads the anchors of a simple index (PEP 503).
func links(page string) []link {
	var list []link
	var href string
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.StartTagToken:
			href = ""
			if t := z.Token(); t.Data == "a" {
				for _, a := range t.Attr {
					if a.Key == "href" {
						href = a.Val
					}
				}
			}
		case html.TextToken:
			if text := strings.TrimSpace(z.Token().Data); href != "" && text != "" {
				list = append(list, link{text, href})
			}
		case html.EndTagToken:
			href = ""
		}
	}
}
