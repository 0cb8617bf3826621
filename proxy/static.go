package proxy

import (
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
)

// serveFiles answers from the directory of a static build. up is claimed.
func (e *Edge) serveFiles(w http.ResponseWriter, r *http.Request, up upstream) {
	up.in.requests.Add(1)
	cw := &countedWriter{ResponseWriter: w, in: up.in}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(cw, "this site only has files: GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	root, err := up.in.open(e.opts.StaticRoot, up.Dir)
	if err != nil {
		e.log.Error("the directory of a static site cannot be opened", "build", up.Dir, "err", err)
		up.in.errors.Add(1)
		pageDown.send(cw, r)
		return
	}
	s := site{root: root, build: up.Dir, spa: up.SPA, gzips: e.gzips}
	s.serve(cw, r)
}

// countedWriter counts the bytes of answers without hiding sendfile(2) from the server below.
type countedWriter struct {
	http.ResponseWriter
	in *instance
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.in.sent.Add(int64(n))
	return n, err
}

// ReadFrom keeps io.Copy from reading the file into memory where the server can do without.
func (c *countedWriter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	c.in.sent.Add(n)
	return n, err
}

func (c *countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// site is one static build. Times of its files mean nothing, and a rollback would turn them back: it says what it is by
// ETag only, made of the build's id.
type site struct {
	root  *os.Root
	build string
	spa   bool
	gzips *gzipPool
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	name, dir, ok := filePath(r.URL.Path)
	if !ok {
		s.missing(w, r)
		return
	}
	for _, candidate := range candidates(name, dir) {
		f, info := s.open(candidate)
		if f == nil {
			continue
		}
		defer f.Close()
		if !dir && candidate == name+"/index.html" {
			to := url.URL{Path: "/" + name + "/", RawQuery: r.URL.RawQuery}
			w.Header().Set("Cache-Control", "no-cache")
			http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
			return
		}
		s.send(w, r, candidate, f, info, http.StatusOK)
		return
	}
	if s.spa && path.Ext(name) == "" && !strings.HasPrefix(name, ".well-known") {
		if f, info := s.open("index.html"); f != nil {
			defer f.Close()
			s.send(w, r, "index.html", f, info, http.StatusOK)
			return
		}
	}
	s.missing(w, r)
}

// open returns a regular file, or nil.
func (s *site) open(name string) (*os.File, fs.FileInfo) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, nil
	}
	return f, info
}

// missing answers with the site's own 404.html, else with ours.
func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	f, info := s.open("404.html")
	if f == nil {
		pageNoFile.send(w, r)
		return
	}
	defer f.Close()
	s.send(w, r, "404.html", f, info, http.StatusNotFound)
}

// send answers with f, compressed when the client accepts it: by a file that the build left beside it, else as we go.
func (s *site) send(w http.ResponseWriter, r *http.Request, name string, f *os.File, info fs.FileInfo, status int) {
	h := w.Header()
	kind := contentType(name)
	if kind != "" {
		h.Set("Content-Type", kind)
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cacheControl(name))
	tag := s.build + "-" + strconv.FormatInt(info.Size(), 36)
	if status != http.StatusOK {
		// Conditions and ranges of the request were about another file.
		r = r.Clone(r.Context())
		for _, k := range []string{"If-None-Match", "If-Match", "If-Range", "Range", "If-Modified-Since", "If-Unmodified-Since"} {
			r.Header.Del(k)
		}
		w = &statusWriter{ResponseWriter: w, status: status}
	}
	if !compressible(kind) {
		s.content(w, r, tag, f)
		return
	}
	h.Add("Vary", "Accept-Encoding")
	for _, enc := range [...]struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(r, enc.name) {
			continue
		}
		if packed, packedInfo := s.open(name + enc.ext); packed != nil {
			defer packed.Close()
			h.Set("Content-Encoding", enc.name)
			s.content(w, r, s.build+"-"+strconv.FormatInt(packedInfo.Size(), 36)+enc.ext, packed)
			return
		}
	}
	if r.Header.Get("Range") == "" && info.Size() >= minGzip && info.Size() <= maxGzip && accepts(r, "gzip") {
		if zw := s.gzips.get(w); zw != nil {
			defer s.gzips.put(zw)
			s.contentGzip(w, r, tag+"-z", f, zw)
			return
		}
	}
	s.content(w, r, tag, f)
}

// content leaves conditions, ranges and HEAD to the standard library.
func (s *site) content(w http.ResponseWriter, r *http.Request, tag string, f io.ReadSeeker) {
	w.Header().Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, "", zeroTime, f)
}

// statusWriter turns the 200 of http.ServeContent into another status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// accepts reports whether the request takes that encoding (RFC 9110, 12.5.3; "*" is not used by anybody and not
// understood here).
func accepts(r *http.Request, encoding string) bool {
	for _, line := range r.Header.Values("Accept-Encoding") {
		for _, item := range strings.Split(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			if !strings.EqualFold(strings.TrimSpace(name), encoding) {
				continue
			}
			q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			if !found {
				return true
			}
			weight, err := strconv.ParseFloat(q, 64)
			return err == nil && weight > 0
		}
	}
	return false
}
