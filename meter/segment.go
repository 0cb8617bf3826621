package meter

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	suffix          = ".usage"
	imported        = "imported"
	maxSegmentBytes = 1 << 30 // a day that needs more is a mistake of ours; better lost samples than a full disk
)

// segment is a file of the samples that came on one day.
type segment struct {
	path string
	day  time.Time // its beginning, UTC
	name string    // identifies it for ever: "2026-11-27.4f0c2a91d6be7703"
}

func (s segment) imported() bool { return strings.HasSuffix(s.name, "."+imported) }

func segmentName(day time.Time, rest string) string { return day.Format(time.DateOnly) + "." + rest }

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// segments lists what is in a directory, the oldest first.
func segments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list usage segments: %w", err)
	}
	var out []segment
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		date, rest, dated := strings.Cut(name, ".")
		day, err := time.Parse(time.DateOnly, date)
		if ok && dated && rest != "" && err == nil {
			out = append(out, segment{filepath.Join(dir, e.Name()), day, name})
		}
	}
	return out, nil
}

// scan calls fn with the samples of each block. Blocks that cannot be read are left out and counted.
func (s segment) scan(fn func([]paas.Usage) error) (damage, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return damage{}, err
	}
	defer f.Close()
	_, found, err := scan(f, fn)
	return found, err
}

// damage is what could not be read of a segment.
type damage struct {
	bytes   int64
	samples int // whose instance is not known
}

func (d damage) any() bool { return d != damage{} }

func scan(f *os.File, fn func([]paas.Usage) error) (end int64, found damage, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, found, err
	}
	var d decoder
	seen, err := blocks(f, info.Size(), func(payload []byte) error {
		samples, err := d.decode(payload)
		if errors.Is(err, errDamaged) {
			found.bytes += int64(len(payload))
			return nil
		}
		if err != nil {
			return err
		}
		return fn(samples)
	})
	found.bytes += seen.lost
	found.samples = d.unnamed
	return seen.end, found, err
}

// remove returns when the segment is gone for ever.
func (s segment) remove() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return disk.SyncDir(filepath.Dir(s.path))
}

// tail is the segment that samples are appended to.
type tail struct {
	segment
	file       *os.File
	end        int64
	dictionary dictionary
}

// openTail opens the day's segment behind its last whole block, or makes it.
func openTail(dir string, day time.Time) (_ *tail, err error) {
	s, err := segmentOf(dir, day)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	t := &tail{segment: s, file: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if t.end, _, err = scan(f, func([]paas.Usage) error { return nil }); err != nil {
		return nil, err
	}
	if err := f.Truncate(t.end); err != nil {
		return nil, err
	}
	return t, disk.SyncDir(dir)
}

// segmentOf is the segment of a day that can be appended to: the one that is there, or a name for a new one.
func segmentOf(dir string, day time.Time) (segment, error) {
	all, err := segments(dir)
	if err != nil {
		return segment{}, err
	}
	for _, s := range all {
		if s.day.Equal(day) && !s.imported() {
			return s, nil
		}
	}
	name := segmentName(day, fmt.Sprintf("%016x", random()))
	return segment{filepath.Join(dir, name+suffix), day, name}, nil
}

func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// append writes one block and returns when it is durable. After an error nothing of it counts, and the tail must be
// opened anew.
func (t *tail) append(at time.Time, samples []paas.Usage) error {
	b := t.dictionary.block(at, samples)
	if t.end+int64(len(b)) > maxSegmentBytes {
		return fmt.Errorf("the usage segment %s is full", t.name)
	}
	if _, err := t.file.WriteAt(b, t.end); err != nil {
		return errors.Join(err, t.file.Truncate(t.end))
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	t.end += int64(len(b))
	return nil
}
