package meter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	mark          = "cus1"
	headBytes     = len(mark) + 8
	maxBlockBytes = 4 << 20 // more than maxSamples of new series with the longest names take
	maxSamples    = 10_000  // of one call
	maxNameBytes  = 64
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errDamaged = errors.New("this is not a whole block")
)

// series is what the samples of an instance have in common.
type series struct{ instance, app, environment string }

// dictionary gives numbers to series.
type dictionary struct {
	id      uint64
	hour    time.Time
	numbers map[series]uint64
}

// block encodes samples, head included, and defines the series that are new to the dictionary. Each hour gets a new
// one.
func (d *dictionary) block(at time.Time, samples []paas.Usage) []byte {
	if hour := at.Truncate(time.Hour); d.numbers == nil || !hour.Equal(d.hour) {
		*d = dictionary{id: random(), hour: hour, numbers: map[series]uint64{}}
	}
	var definitions, values []byte
	defined := uint64(0)
	base := at.UnixMilli()
	for _, u := range samples {
		of := series{u.Instance, u.App, u.Environment}
		n, known := d.numbers[of]
		if !known {
			n = uint64(len(d.numbers))
			d.numbers[of] = n
			defined++
			definitions = binary.AppendUvarint(definitions, n)
			for _, name := range []string{of.instance, of.app, of.environment} {
				definitions = binary.AppendUvarint(definitions, uint64(len(name)))
				definitions = append(definitions, name...)
			}
		}
		values = binary.AppendUvarint(values, n)
		values = binary.AppendVarint(values, u.Time.UnixMilli()-base)
		for _, v := range []int64{u.CPUMillis, u.MemoryBytes, u.ReceivedBytes, u.SentBytes, u.Requests} {
			values = binary.AppendVarint(values, v)
		}
	}
	b := make([]byte, headBytes, headBytes+len(definitions)+len(values)+32)
	b = binary.LittleEndian.AppendUint64(b, d.id)
	b = binary.AppendVarint(b, base)
	b = binary.AppendUvarint(b, defined)
	b = append(append(b, definitions...), values...)
	copy(b, mark)
	binary.LittleEndian.PutUint32(b[len(mark):], uint32(len(b)-headBytes))
	binary.LittleEndian.PutUint32(b[len(mark)+4:], checksum(b))
	return b
}

// checksum is over the length and the payload of a block.
func checksum(block []byte) uint32 {
	return crc32.Update(crc32.Checksum(block[len(mark):len(mark)+4], castagnoli), castagnoli, block[headBytes:])
}

// extent is what a scan saw of a segment: where its last whole block ends, and how many bytes before that are
// damaged.
type extent struct{ end, lost int64 }

// blocks calls fn with the payload of each whole block, in order. The payload is valid until fn returns.
func blocks(r io.ReaderAt, size int64, fn func(payload []byte) error) (seen extent, err error) {
	var buf []byte
	for at := int64(0); at < size; {
		buf, err = readBlock(r, at, size, buf)
		if errors.Is(err, errDamaged) {
			if at, err = nextMark(r, at+1, size); err != nil {
				return seen, err
			}
			continue
		}
		if err == nil {
			err = fn(buf[headBytes:])
		}
		if err != nil {
			return seen, err
		}
		seen.lost += at - seen.end
		at += int64(len(buf))
		seen.end = at
	}
	return seen, nil
}

// readBlock reads the block at a position into buf, which it may replace; errDamaged when there is no whole one.
func readBlock(r io.ReaderAt, at, size int64, buf []byte) ([]byte, error) {
	buf = sized(buf, headBytes)
	if size-at < int64(headBytes) {
		return buf, errDamaged
	}
	if err := readAt(r, buf, at); err != nil {
		return buf, err
	}
	n := int64(binary.LittleEndian.Uint32(buf[len(mark):]))
	if string(buf[:len(mark)]) != mark || n > maxBlockBytes || n > size-at-int64(headBytes) {
		return buf, errDamaged
	}
	buf = sized(buf, headBytes+int(n))
	if err := readAt(r, buf, at); err != nil {
		return buf, err
	}
	if binary.LittleEndian.Uint32(buf[len(mark)+4:]) != checksum(buf) {
		return buf, errDamaged
	}
	return buf, nil
}

func sized(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n)
	}
	return buf[:n]
}

// readAt fills b. A file that has become shorter meanwhile is damaged, not unreadable.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return errDamaged
	}
	return err
}

// nextMark is where the next mark at or after a position begins; size when there is none.
func nextMark(r io.ReaderAt, at, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for at+int64(len(mark)) <= size {
		window := buf[:min(int64(len(buf)), size-at)]
		if err := readAt(r, window, at); errors.Is(err, errDamaged) {
			return size, nil
		} else if err != nil {
			return at, err
		}
		if i := bytes.Index(window, []byte(mark)); i >= 0 {
			return at + int64(i), nil
		}
		at += int64(len(window) - len(mark) + 1) // a mark may lie across two windows
	}
	return size, nil
}

// decoder reads the blocks of one segment in order.
type decoder struct {
	dictionary uint64
	names      map[uint64]series
	unnamed    int // samples whose definition was lost
}

// decode returns the samples of a block. An error means that the block was written wrongly: its checksum was right.
func (d *decoder) decode(payload []byte) ([]paas.Usage, error) {
	c := cutter{b: payload}
	if id := c.uint64(); id != d.dictionary || d.names == nil {
		d.dictionary, d.names = id, map[uint64]series{}
	}
	base := c.varint()
	defined := c.uvarint()
	c.bad = c.bad || defined > maxSamples
	for ; defined > 0 && !c.bad; defined-- {
		number := c.uvarint()
		d.names[number] = series{c.name(), c.name(), c.name()}
	}
	var out []paas.Usage
	for len(c.b) > 0 && !c.bad {
		number := c.uvarint()
		u := paas.Usage{Time: time.UnixMilli(base + c.varint()).UTC(), CPUMillis: c.varint(), MemoryBytes: c.varint(),
			ReceivedBytes: c.varint(), SentBytes: c.varint(), Requests: c.varint()}
		of, known := d.names[number]
		if !known {
			d.unnamed++
			continue
		}
		u.Instance, u.App, u.Environment = of.instance, of.app, of.environment
		out = append(out, u)
	}
	if c.bad || len(out) > maxSamples {
		return nil, fmt.Errorf("a block of usage samples: %w", errDamaged)
	}
	return out, nil
}

// cutter takes values from the front of b until one is bad.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) uint64() uint64 {
	if len(c.b) < 8 {
		c.bad, c.b = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(c.b)
	c.b = c.b[8:]
	return v
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	c.skip(n)
	return v
}

func (c *cutter) varint() int64 {
	v, n := binary.Varint(c.b)
	c.skip(n)
	return v
}

// skip goes on after a variable-length integer of n bytes.
func (c *cutter) skip(n int) {
	if n <= 0 {
		c.bad, c.b = true, nil
		return
	}
	c.b = c.b[n:]
}

func (c *cutter) name() string {
	n := c.uvarint()
	if n > maxNameBytes || n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return ""
	}
	s := string(c.b[:n])
	c.b = c.b[n:]
	return s
}
