package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/cloudsania/cloudsania/paas"
)

// grown is a database with branch pages, overflow pages, inline buckets and free pages.
func grown(t testing.TB) (Options, []byte, map[string]string) {
	t.Helper()
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "shop")
	w.deploy(t)
	big := paas.NewSecret(string(bytes.Repeat([]byte("v"), 40_000)))
	must(t, s.SetVariables(anna, w.target, []paas.Variable{{Name: "BIG", Value: big}}, nil))
	must(t, s.update(func(tx *Tx) error {
		for i := range 500 {
			if err := tx.event(paas.DatabaseMigrated{Schema: i}, fmt.Sprintf("subject%d", i%7), paas.Path{App: w.app.ID}); err != nil {
				return err
			}
		}
		return nil
	}))
	for range 5 { // free pages in the middle
		must(t, note(s, anna, "test.more", "x", paas.Path{}, nil))
	}
	all := dump(t, s)
	must(t, s.Close())
	return o, got(os.ReadFile(o.Path))(t), all
}

// Whatever happens to the file, opening it gives a clear error or the whole truth; it never ends the process and is never silently wrong.
// These are the faults that were tried on bbolt alone: cut files and damaged pages killed the process, flipped bits went unnoticed.
func TestNoFaultInTheFileIsSilentOrFatal(t *testing.T) {
	o, whole, want := grown(t)
	page := os.Getpagesize()
	pages := len(whole) / page
	random := rand.New(rand.NewPCG(1, 2))
	somePage := func() int { return (2 + random.IntN(pages-2)) * page }
	faults := map[string]func(b []byte) []byte{
		"cut": func(b []byte) []byte { return b[:1+random.IntN(len(b)-1)] },
		"zeroed page": func(b []byte) []byte {
			at := somePage()
			clear(b[at : at+page])
			return b
		},
		"random page": func(b []byte) []byte {
			at := somePage()
			for i := at; i < at+page; i++ {
				b[i] = byte(random.Uint32())
			}
			return b
		},
		"flipped bit": func(b []byte) []byte {
			b[2*page+random.IntN(len(b)-2*page)] ^= 1 << random.IntN(8)
			return b
		},
		"copied page": func(b []byte) []byte {
			to, from := somePage(), somePage()
			copy(b[to:to+page], b[from:from+page])
			return b
		},
		"count of records": func(b []byte) []byte {
			b[somePage()+10] -= byte(1 + random.IntN(9))
			return b
		},
		"page header": func(b []byte) []byte {
			b[somePage()+random.IntN(pageHeader)] ^= byte(1 + random.IntN(255))
			return b
		},
	}
	const trials = 25
	found := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		for range trials {
			must(t, os.WriteFile(o.Path, faults[name](bytes.Clone(whole)), 0o600))
			s, err := Open(o)
			if err != nil {
				if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrRecovery) {
					t.Fatalf("%s: unclear error: %v", name, err)
				}
				found[name]++
				continue
			}
			if have := dump(t, s); !maps.Equal(have, want) {
				t.Fatalf("%s: silently wrong: %d records of %d", name, len(have), len(want))
			}
			must(t, s.Close())
		}
	}
	for name := range faults {
		if found[name] < trials/5 {
			t.Errorf("%s: only %d of %d faults were found; the trial does not reach the content", name, found[name], trials)
		}
	}
	t.Logf("faults that were found, of %d each: %v", trials, found)
}

// bbolt keeps the two newest states. With one of their roots unreadable the other is taken, which may be one change older: never silently.
func TestUnreadableRootIsToldInAnEvent(t *testing.T) {
	o, whole, _ := grown(t)
	page := os.Getpagesize()
	for n := range 2 {
		b := bytes.Clone(whole)
		clear(b[n*page : (n+1)*page])
		must(t, os.WriteFile(o.Path, b, 0o600))
		s := mustOpen(t, o)
		if e := got(s.Events(EventFilter{Limit: 1}))(t); e[0].Action != "database.stepped_back" {
			t.Fatalf("root %d: newest event is %q", n, e[0].Action)
		}
		if r := got(s.VerifyEvents())(t); !r.OK() {
			t.Fatalf("root %d: %+v", n, r.Breaks)
		}
		must(t, s.Check())
		must(t, s.Close())
	}
	b := bytes.Clone(whole)
	clear(b[:2*page])
	must(t, os.WriteFile(o.Path, b, 0o600))
	if _, err := Open(o); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("both roots gone: %v", err)
	}
}

// A page that is neither used nor free is a sign of a lost write, even when nothing seems to be missing.
func TestLostPageIsFound(t *testing.T) {
	_, whole, _ := grown(t)
	m, _, err := newestMeta(bytes.NewReader(whole), int64(len(whole)))
	must(t, err)
	count := whole[int(m.freelist)*m.pageSize+10:]
	if n := binary.NativeEndian.Uint16(count); n == 0 {
		t.Fatal("no page is free: the trial shows nothing")
	} else {
		binary.NativeEndian.PutUint16(count, n-1)
	}
	if _, err := inspect(bytes.NewReader(whole), int64(len(whole)), verifyRecord); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
}

// Truncating the file under an open store: the mapped pages behind the end fault, which must be an error and not the end of control.
func TestFileCutWhileOpen(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	newSite(t, s, "shop")
	must(t, os.Truncate(o.Path, int64(2*os.Getpagesize())))
	_, err := s.Apps()
	if !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
	if err := s.Check(); err == nil {
		t.Fatal("check found nothing")
	}
}

// rehash gives the meta page at b a valid checksum, as if a hostile program had written it.
func rehash(b []byte) {
	sum := fnv.New64a()
	_, _ = sum.Write(b[pageHeader : pageHeader+56])
	binary.NativeEndian.PutUint64(b[pageHeader+56:], sum.Sum64())
}

func FuzzInspect(f *testing.F) {
	path := filepath.Join(f.TempDir(), "db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 1024})
	must(f, err)
	for _, name := range []bucket{appBucket, eventBucket} {
		must(f, db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte(name))
			for i := range 30 {
				key := fmt.Sprintf("key%d", i)
				err = errors.Join(err, b.Put([]byte(key), encodeRecord(name, key, make([]byte, i*10))))
			}
			return err
		}))
	}
	must(f, db.Close())
	whole, err := os.ReadFile(path)
	must(f, err)
	if _, err := inspect(bytes.NewReader(whole), int64(len(whole)), verifyRecord); err != nil {
		f.Fatalf("a good file: %v", err)
	}
	f.Add(whole, uint32(0), uint64(0))
	f.Add(whole, uint32(1024+16+40), uint64(1<<60))
	f.Add(whole[:3000], uint32(2060), uint64(0xFFFF))
	f.Fuzz(func(t *testing.T, b []byte, at uint32, v uint64) {
		b = bytes.Clone(b)
		if int(at)+8 <= len(b) {
			binary.NativeEndian.PutUint64(b[at:], v)
		}
		for _, root := range []int{0, 1024} {
			if len(b) >= root+metaBytes {
				rehash(b[root:])
			}
		}
		if _, err := inspect(bytes.NewReader(b), int64(len(b)), verifyRecord); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("unclear error: %v", err)
		}
	})
}
