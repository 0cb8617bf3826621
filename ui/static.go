package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// StaticPrefix is where the static files are served.
const StaticPrefix = "/static/"

// Asset is one static file. Its name carries a hash of its content, so a browser may keep it for ever.
type Asset struct {
	Name string // "cloudsania.3fa9c1d2e4.css"
	Type string // media type
	Body []byte // not to be changed
	Gzip []byte // nil when it would not be smaller; not to be changed
}

var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
	".txt": "text/plain; charset=utf-8",
}

type assets struct {
	byName map[string]Asset  // hashed name → file
	hashed map[string]string // plain name → hashed name
}

var indexed = sync.OnceValues(index)

// Static finds a file by its hashed name, the part of the path after StaticPrefix.
func Static(name string) (Asset, bool) {
	all, err := indexed()
	if err != nil {
		return Asset{}, false
	}
	a, ok := all.byName[name]
	return a, ok
}

// staticURL is the path of a file by its plain name. An unknown one is an error, so that the page tests find it.
func staticURL(name string) (string, error) {
	all, err := indexed()
	if err != nil {
		return "", err
	}
	hashed, ok := all.hashed[name]
	if !ok {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	return StaticPrefix + hashed, nil
}

// index reads every file. Style sheets come last: they name the fonts by their hashed names.
func index() (*assets, error) {
	all := &assets{byName: map[string]Asset{}, hashed: map[string]string{}}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		return nil, err
	}
	for _, styles := range []bool{false, true} {
		for _, e := range entries {
			if (path.Ext(e.Name()) == ".css") != styles {
				continue
			}
			body, err := staticFiles.ReadFile("static/" + e.Name())
			if err != nil {
				return nil, err
			}
			if styles {
				body = all.nameFonts(body)
			}
			if err := all.add(e.Name(), body); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (all *assets) add(name string, body []byte) error {
	ext := path.Ext(name)
	if mediaTypes[ext] == "" {
		return fmt.Errorf("static file %q has no media type", name)
	}
	sum := sha256.Sum256(body)
	a := Asset{Name: strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext, Type: mediaTypes[ext], Body: body}
	if ext != ".woff2" {
		var buf bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
		if _, err := zw.Write(body); err != nil {
			return err
		}
		if err := zw.Close(); err != nil {
			return err
		}
		if buf.Len() < len(body) {
			a.Gzip = buf.Bytes()
		}
	}
	all.byName[a.Name], all.hashed[name] = a, a.Name
	return nil
}

func (all *assets) nameFonts(css []byte) []byte {
	text := string(css)
	for plain, hashed := range all.hashed {
		text = strings.ReplaceAll(text, `url("`+plain+`")`, `url("`+hashed+`")`)
	}
	return []byte(text)
}
