package proxy

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	minGzip   = 1 << 10  // smaller ones fit into a packet anyway
	maxGzip   = 16 << 20 // larger ones are no web page's business; a build can leave a .gz beside them
	gzipLevel = 5
)

var zeroTime time.Time // tells http.ServeContent that there is no time

// gzipPool lends compressors, at most as many as keep the processors busy: one is about 800 KB.
type gzipPool struct {
	free chan struct{}
	idle sync.Pool
}

func newGzipPool() *gzipPool {
	p := &gzipPool{free: make(chan struct{}, 2*runtime.GOMAXPROCS(0))}
	for range cap(p.free) {
		p.free <- struct{}{}
	}
	return p
}

// get is nil when all are lent: the file then goes out as it is.
func (p *gzipPool) get(w io.Writer) *gzip.Writer {
	select {
	case <-p.free:
	default:
		return nil
	}
	if zw, ok := p.idle.Get().(*gzip.Writer); ok {
		zw.Reset(w)
		return zw
	}
	zw, err := gzip.NewWriterLevel(w, gzipLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	return zw
}

func (p *gzipPool) put(zw *gzip.Writer) {
	zw.Reset(io.Discard)
	p.idle.Put(zw)
	p.free <- struct{}{}
}

// contentGzip is content for an answer that is compressed as it goes.
func (s *site) contentGzip(w http.ResponseWriter, r *http.Request, tag string, f *os.File, zw *gzip.Writer) {
	h := w.Header()
	h.Set("Etag", `"`+tag+`"`)
	if etagMatches(r.Header.Get("If-None-Match"), tag) {
		delete(h, "Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(zw, f); err == nil {
		_ = zw.Close() // fails only when the client has gone
	}
}

// etagMatches is the weak comparison of RFC 9110, 13.1.2.
func etagMatches(header, tag string) bool {
	for _, item := range strings.Split(header, ",") {
		item = strings.TrimPrefix(strings.TrimSpace(item), "W/")
		if item == "*" || item == `"`+tag+`"` {
			return true
		}
	}
	return false
}
