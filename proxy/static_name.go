package proxy

import (
	"mime"
	"path"
	"strings"
)

// filePath makes a name below the root of a URL's (unescaped) path. dir says that it ended in a slash. Anything with a
// dot file, a dot segment or a control character in it names nothing.
func filePath(p string) (name string, dir, ok bool) {
	if !strings.HasPrefix(p, "/") || len(p) > maxURLBytes {
		return "", false, false
	}
	var parts []string
	for i, part := range strings.Split(p[1:], "/") {
		if part == "" {
			continue // "//" is "/"
		}
		if part[0] == '.' && !(i == 0 && part == ".well-known") {
			return "", false, false
		}
		for _, c := range []byte(part) {
			if c < ' ' || c == 0x7f || c == '\\' {
				return "", false, false
			}
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ".", true, true
	}
	return strings.Join(parts, "/"), strings.HasSuffix(p, "/"), true
}

// candidates are the files that may answer for name, the best first: itself, clean URLs, a directory's index.
func candidates(name string, dir bool) []string {
	switch {
	case name == ".":
		return []string{"index.html"}
	case dir:
		return []string{name + "/index.html", name + ".html"}
	case path.Ext(name) == ".html":
		return []string{name}
	}
	return []string{name, name + ".html", name + "/index.html"}
}

// cacheControl: a name with a hash of its content in it never changes its meaning; everything else is asked for again,
// which costs a 304.
func cacheControl(name string) string {
	if hashed(name) {
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}

// immutableDirs hold nothing but hashed files, by the convention of the tool that makes them.
var immutableDirs = []string{"_next/static/", "_app/immutable/", "_astro/", "_nuxt/"}

// assetDirs are where bundlers put hashed files, beside others perhaps.
var assetDirs = []string{"assets/", "static/js/", "static/css/", "static/media/", "build/", "dist/", "js/", "css/"}

// hashed reports whether name carries a content hash, as bundlers write it: "assets/index-BxY2z9Qa.js",
// "static/js/main.3f2a1b9c.js".
func hashed(name string) bool {
	for _, d := range immutableDirs {
		if strings.HasPrefix(name, d) {
			return true
		}
	}
	in := false
	for _, d := range assetDirs {
		in = in || strings.HasPrefix(name, d)
	}
	if !in || path.Ext(name) == ".html" {
		return false
	}
	base := strings.TrimSuffix(path.Base(name), ".map")
	for ext := path.Ext(base); ext != ""; ext = path.Ext(base) {
		if looksHashed(ext[1:]) {
			return true
		}
		base = strings.TrimSuffix(base, ext)
	}
	if i := len(base) - 9; i >= 0 && base[i] == '-' {
		return looksHashed(base[i+1:]) // Vite's alphabet has "-" in it: by position, not by splitting
	}
	i := strings.LastIndexByte(base, '-')
	return i >= 0 && looksHashed(base[i+1:])
}

// looksHashed: eight characters with both letters and digits, or at least 16 of hexadecimal. What is taken for a hash
// wrongly would stay in browsers for a year, what is not recognised only costs a 304.
func looksHashed(s string) bool {
	letters, digits, hex := 0, 0, true
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-':
			letters++
			hex = hex && c >= 'a' && c <= 'f'
		default:
			return false
		}
	}
	return letters > 0 && digits > 0 && (len(s) == 8 || (len(s) >= 16 && hex))
}

// types are what sites are made of. The system's tables differ from server to server and cost memory.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".json": "application/json",
	".map": "application/json", ".webmanifest": "application/manifest+json", ".xml": "text/xml; charset=utf-8",
	".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon", ".bmp": "image/bmp",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf", ".eot": "application/vnd.ms-fontobject",
	".mp4": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".m4a": "audio/mp4", ".flac": "audio/flac",
	".pdf": "application/pdf", ".wasm": "application/wasm", ".zip": "application/zip", ".gz": "application/gzip",
	".rss": "application/rss+xml", ".atom": "application/atom+xml", ".ics": "text/calendar; charset=utf-8", ".vtt": "text/vtt; charset=utf-8",
	".glb": "model/gltf-binary", ".gltf": "model/gltf+json",
}

// contentType is "" for names without an extension: those are looked into.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if path.Base(name) == "apple-app-site-association" {
		return "application/json"
	}
	if ext == "" {
		return ""
	}
	return "application/octet-stream"
}

func compressible(kind string) bool {
	media, _, err := mime.ParseMediaType(kind)
	if err != nil {
		return false
	}
	switch {
	case strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "json"), strings.HasSuffix(media, "xml"):
		return true
	}
	switch media {
	case "application/wasm", "font/ttf", "font/otf", "application/vnd.ms-fontobject", "image/bmp", "image/x-icon":
		return true
	}
	return false
}
