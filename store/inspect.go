package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of a bbolt file (version 2): fixed-size pages, native byte order. Page: id 8, flags 2, count 2, overflow 4, then elements.
// Branch element: position 4, key size 4, page 8. Leaf element: flags 4, position 4, key size 4, value size 4; positions count from the
// element. A nested bucket's value: root page 8, sequence 8, and with root page 0 a page of its own right behind. Pages 0 and 1 are meta
// pages: magic 4, version 4, page size 4, flags 4, root page 8, sequence 8, freelist page 8, pages in use 8, transaction 8, FNV-1a 8.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader = 16
	element    = 16

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	nestedBucket = 0x01

	metaBytes   = pageHeader + 64
	minPageSize = 1 << 10
	maxPageSize = 1 << 16
	maxDepth    = 40
)

// finding is what an inspection saw.
type finding struct {
	oneMeta bool // the other meta page is unreadable: the state may be the one before the last
}

// meta is the root of one committed state.
type meta struct {
	pageSize                  int
	root, freelist, pages, tx uint64
}

// inspect reads a whole database file and compares everything with everything: sizes and bounds, page ids, key order, that each page is
// used once or free, and each record by check. It maps nothing into memory and does not panic, whatever the bytes are.
func inspect(r io.ReaderAt, size int64, check func(bucket string, key, value []byte) error) (finding, error) {
	m, found, err := newestMeta(r, size)
	if err != nil {
		return found, err
	}
	w, err := newWalk(r, size, m, check)
	if err != nil {
		return found, err
	}
	if err := w.tree(m.root, 0, "", nil, nil); err != nil {
		return found, err
	}
	if err := w.free(m.freelist); err != nil {
		return found, err
	}
	for id, used := range w.used {
		if !used && id > 1 {
			return found, damaged("page %d is neither used nor free", id)
		}
	}
	return found, nil
}

func newestMeta(r io.ReaderAt, size int64) (meta, finding, error) {
	first, ok0 := readMeta(r, 0)
	second, ok1 := meta{}, false
	if ok0 {
		second, ok1 = readMeta(r, int64(first.pageSize))
	} else {
		for at := int64(minPageSize); at <= maxPageSize && !ok1; at *= 2 {
			second, ok1 = readMeta(r, at)
			ok1 = ok1 && int64(second.pageSize) == at
		}
	}
	switch {
	case !ok0 && !ok1:
		return meta{}, finding{}, damaged("%d bytes, and neither of its two first pages is readable", size)
	case !ok0:
		return second, finding{oneMeta: true}, nil
	case !ok1:
		return first, finding{oneMeta: true}, nil
	case second.tx > first.tx:
		return second, finding{}, nil
	}
	return first, finding{}, nil
}

func readMeta(r io.ReaderAt, at int64) (meta, bool) {
	var b [metaBytes]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		return meta{}, false
	}
	e, body := binary.NativeEndian, b[pageHeader:]
	sum := fnv.New64a()
	_, _ = sum.Write(body[:56])
	m := meta{pageSize: int(e.Uint32(body[8:])), root: e.Uint64(body[16:]), freelist: e.Uint64(body[32:]), pages: e.Uint64(body[40:]),
		tx: e.Uint64(body[48:])}
	ok := e.Uint32(body) == boltMagic && e.Uint32(body[4:]) == boltVersion && e.Uint64(body[56:]) == sum.Sum64() &&
		m.pageSize >= minPageSize && m.pageSize <= maxPageSize && m.pageSize&(m.pageSize-1) == 0
	return m, ok
}

// walk goes through the pages of one committed state.
type walk struct {
	r     io.ReaderAt
	m     meta
	used  []bool   // by page
	buf   [][]byte // by depth
	check func(bucket string, key, value []byte) error
}

func newWalk(r io.ReaderAt, size int64, m meta, check func(bucket string, key, value []byte) error) (*walk, error) {
	if have := uint64(size) / uint64(m.pageSize); m.pages < 4 || m.pages > have {
		return nil, damaged("it is cut short: %d pages are here of %d", have, m.pages)
	}
	return &walk{r: r, m: m, used: make([]bool, m.pages), check: check}, nil
}

// page reads a page with what overflows from it, and takes note that it is used.
func (w *walk) page(id uint64, depth int) ([]byte, error) {
	var head [pageHeader]byte
	if id < 2 || id >= w.m.pages {
		return nil, damaged("page %d is outside of the file", id)
	}
	if _, err := w.r.ReadAt(head[:], int64(id)*int64(w.m.pageSize)); err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	e := binary.NativeEndian
	span := uint64(e.Uint32(head[12:])) + 1
	if e.Uint64(head[:]) != id || span > w.m.pages-id {
		return nil, damaged("page %d is not what it should be", id)
	}
	for i := id; i < id+span; i++ {
		if w.used[i] {
			return nil, damaged("page %d is used twice", i)
		}
		w.used[i] = true
	}
	for len(w.buf) <= depth {
		w.buf = append(w.buf, nil)
	}
	if need := int(span) * w.m.pageSize; cap(w.buf[depth]) < need {
		w.buf[depth] = make([]byte, need)
	}
	p := w.buf[depth][:int(span)*w.m.pageSize]
	if _, err := w.r.ReadAt(p, int64(id)*int64(w.m.pageSize)); err != nil {
		return nil, fmt.Errorf("read the database: %w", err)
	}
	return p, nil
}

// tree walks the pages below id. Keys lie in [low, high); nil is no bound. bucket is "" for the buckets themselves.
func (w *walk) tree(id uint64, depth int, bucket string, low, high []byte) error {
	if depth > maxDepth {
		return damaged("page %d is nested too deep", id)
	}
	p, err := w.page(id, depth)
	if err != nil {
		return err
	}
	switch flags := binary.NativeEndian.Uint16(p[8:]); flags {
	case leafPage:
		return w.leaf(p, id, depth, bucket, low, high)
	case branchPage:
		return w.branch(p, id, depth, bucket, low, high)
	default:
		return damaged("page %d has the unknown kind %#x", id, flags)
	}
}

func (w *walk) branch(p []byte, id uint64, depth int, bucket string, low, high []byte) error {
	e := binary.NativeEndian
	c, n := newCutter(p)
	if n == 0 {
		return damaged("page %d has no content", id)
	}
	keys := make([][]byte, n+1)
	for i := range n {
		at := pageHeader + i*element
		if keys[i] = c.cut(at, e.Uint32(p[at:]), e.Uint32(p[at+4:])); c.bad || !ordered(keys, i, low, high) {
			return damaged("page %d has a key in the wrong place", id)
		}
	}
	keys[n] = high
	for i := range n {
		if err := w.tree(e.Uint64(p[pageHeader+i*element+8:]), depth+1, bucket, keys[i], keys[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(p []byte, id uint64, depth int, bucket string, low, high []byte) error {
	e := binary.NativeEndian
	c, n := newCutter(p)
	if c.bad || n == 0 && (low != nil || high != nil) {
		return damaged("page %d has a wrong count", id)
	}
	keys := make([][]byte, n)
	for i := range n {
		at := pageHeader + i*element
		pos, klen, vlen := e.Uint32(p[at+4:]), e.Uint32(p[at+8:]), e.Uint32(p[at+12:])
		keys[i] = c.cut(at, pos, klen)
		value := c.cut(at, pos+klen, vlen)
		if c.bad || !ordered(keys, i, low, high) {
			return damaged("page %d has a record in the wrong place", id)
		}
		if err := w.entry(e.Uint32(p[at:]), id, depth, bucket, keys[i], value); err != nil {
			return err
		}
	}
	return nil
}

// entry is a record, or a bucket at the top of the tree.
func (w *walk) entry(flags uint32, id uint64, depth int, bucket string, key, value []byte) error {
	switch {
	case flags == 0 && bucket != "":
		return w.check(bucket, key, value)
	case flags != nestedBucket || bucket != "" || len(value) < pageHeader:
		return damaged("page %d has a record of an unknown kind", id)
	}
	root := binary.NativeEndian.Uint64(value)
	if root != 0 {
		return w.tree(root, depth+1, string(key), nil, nil)
	}
	inline := value[pageHeader:]
	if len(inline) < pageHeader || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		return damaged("the bucket %q in page %d cannot be read", key, id)
	}
	return w.leaf(inline, id, depth, string(key), nil, nil)
}

// free reads the list of free pages: each is in the file, and used by nothing else.
func (w *walk) free(id uint64) error {
	p, err := w.page(id, 0)
	if err != nil {
		return err
	}
	e := binary.NativeEndian
	if e.Uint16(p[8:]) != freelistPage {
		return damaged("page %d is not the list of free pages", id)
	}
	ids, n := p[pageHeader:], uint64(e.Uint16(p[10:]))
	if n == 0xFFFF { // too many for the field: the first number is the count
		n, ids = e.Uint64(ids), ids[8:]
	}
	if n > uint64(len(ids))/8 {
		return damaged("the list of free pages is too long")
	}
	for i := range n {
		free := e.Uint64(ids[i*8:])
		if free < 2 || free >= w.m.pages || w.used[free] {
			return damaged("page %d cannot be free", free)
		}
		w.used[free] = true
	}
	return nil
}

// cutter takes a page's keys and values apart. bbolt writes them without a gap behind the elements: only so does a wrong count show, which
// would hide records at the end of the page.
type cutter struct {
	p    []byte
	next uint64 // where the one before it ended
	bad  bool
}

// newCutter also returns the count of elements; 0 and bad when it cannot be true.
func newCutter(p []byte) (*cutter, int) {
	n := int(binary.NativeEndian.Uint16(p[10:]))
	c := &cutter{p: p, next: uint64(pageHeader + n*element)}
	if n == 0 {
		c.bad = len(bytes.Trim(p[pageHeader:], "\x00")) > 0
	} else if c.next > uint64(len(p)) {
		c.bad, n = true, 0
	}
	return c, n
}

// cut is the n bytes at pos behind at.
func (c *cutter) cut(at int, pos, n uint32) []byte {
	from := uint64(at) + uint64(pos)
	to := from + uint64(n)
	if c.bad || from != c.next || to > uint64(len(c.p)) {
		c.bad = true
		return nil
	}
	c.next = to
	return c.p[from:to:to]
}

// ordered reports whether the key at i may stand there: above the one before it, and within the bounds of the page.
func ordered(keys [][]byte, i int, low, high []byte) bool {
	key := keys[i]
	return len(key) > 0 && (i == 0 || bytes.Compare(keys[i-1], key) < 0) && (low == nil || bytes.Compare(low, key) <= 0) &&
		(high == nil || bytes.Compare(key, high) < 0)
}

// verifyRecord is what inspect checks each record with.
func verifyRecord(b string, key, value []byte) error {
	_, err := decodeRecord(bucket(b), string(key), value)
	return err
}
