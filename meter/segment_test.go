package meter

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// three samplings of two apps and the file that holds them
func threeBlocks(t testing.TB) (w *world, path string, whole []byte) {
	w = newWorld(t)
	for i := range int64(3) {
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", i+1), w.sample(blog, "ins_2", i+1)}))
		w.clock.add(time.Minute)
	}
	must(t, w.Meter.Close())
	path = filepath.Join(w.Meter.dir, w.files(t)[0])
	whole, err := os.ReadFile(path)
	must(t, err)
	return w, path, whole
}

func TestTornAnywhere(t *testing.T) {
	w, path, whole := threeBlocks(t)
	last := -1
	for n := range len(whole) {
		must(t, os.WriteFile(path, whole[:n], 0o600))
		w.restart(t)
		kept := w.of(t, shop, noon)
		if len(kept) < last {
			t.Fatalf("of %d bytes %d samples are left, of one less %d", n, len(kept), last)
		}
		last = len(kept)
		for i, u := range kept {
			if u.CPUMillis != int64(i+1) {
				t.Fatalf("of %d bytes: %+v", n, kept)
			}
		}
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 99)}))
		if all := w.of(t, shop, noon); len(all) != len(kept)+1 || all[len(kept)].CPUMillis != 99 {
			t.Fatalf("appended to %d bytes: %+v", n, all)
		}
	}
	if last != 2 {
		t.Errorf("of all but the last byte %d samples are left", last)
	}
}

// A damaged byte costs at most its own block and what that one defined: what remains is as it was written.
func TestDamagedAnywhere(t *testing.T) {
	w, path, whole := threeBlocks(t)
	second := bytes.Index(whole[1:], []byte(mark)) + 1
	written := append(w.of(t, shop, noon), w.of(t, blog, noon)...)
	for at := range whole {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x40
		must(t, os.WriteFile(path, damaged, 0o600))
		w.restart(t)
		left := append(w.of(t, shop, noon), w.of(t, blog, noon)...)
		for _, u := range left {
			if !slices.Contains(written, u) {
				t.Fatalf("with byte %d damaged: %+v was never written", at, u)
			}
		}
		if at >= second && len(left) != 4 {
			t.Fatalf("with byte %d damaged %d samples are left", at, len(left))
		}
	}
}

func TestLostDefinitionsAreNotGuessed(t *testing.T) {
	w, path, whole := threeBlocks(t)
	second := bytes.Index(whole[1:], []byte(mark)) + 1
	must(t, os.WriteFile(path, whole[second:], 0o600))
	w.restart(t)
	must(t, w.Add([]paas.Usage{w.sample(blog, "ins_9", 7)})) // number 0 of another dictionary
	if all := w.of(t, shop, noon); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	if all := w.of(t, blog, noon); len(all) != 1 || all[0].Instance != "ins_9" {
		t.Errorf("%+v", all)
	}
}

// readAll reads the blocks of bytes as a segment's are read.
func readAll(b []byte) (samples []paas.Usage, seen extent, err error) {
	var d decoder
	seen, err = blocks(bytes.NewReader(b), int64(len(b)), func(payload []byte) error {
		some, err := d.decode(payload)
		if errors.Is(err, errDamaged) {
			return nil
		}
		samples = append(samples, some...)
		return err
	})
	return samples, seen, err
}

// Whatever a segment holds, reading it neither fails nor runs past its end, and a whole block in it is found.
func FuzzSegment(f *testing.F) {
	var d dictionary
	u := paas.Usage{Instance: "ins_1", App: "app_1", Environment: "env_1", Time: noon, CPUMillis: 5}
	block := d.block(noon, []paas.Usage{u})
	f.Add([]byte{}, []byte{})
	f.Add(block, block[:len(block)/2])
	f.Add([]byte(mark+mark+"\xFF\x00\x00\x00"), []byte(mark))
	f.Add(bytes.Repeat([]byte{0xFF}, 100), block)
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if len(before)+len(after) > 1<<16 {
			t.Skip()
		}
		all := slices.Concat(before, block, after)
		samples, seen, err := readAll(all)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(samples, u) {
			t.Error("the whole block was not found")
		}
		if seen.end > int64(len(all)) || seen.lost > seen.end || seen.end < int64(len(before)+len(block)) && len(after) == 0 {
			t.Errorf("%+v of %d bytes", seen, len(all))
		}
		var any decoder
		if _, err := any.decode(before); err != nil && !errors.Is(err, errDamaged) {
			t.Error(err)
		}
	})
}
