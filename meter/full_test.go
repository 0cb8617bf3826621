package meter

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a small file system (needs root): %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, 0)) })
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, make([]byte, 128<<10), 0o600))
	w := &world{clock: &clock{t: noon}, ledger: &ledger{}}
	w.reopen(t, dir)
	many := make([]paas.Usage, 500)
	add := func() error {
		w.clock.add(time.Minute)
		for i := range many {
			many[i] = w.sample(shop, "ins_1", int64(i+1))
		}
		return w.Add(many)
	}
	kept := 0
	var err error
	for ; err == nil && kept < 100; kept++ {
		err = add()
	}
	kept--
	if !paas.IsKind(err, paas.NoSpace) || !paas.IsKind(add(), paas.NoSpace) {
		t.Fatalf("after %d samplings: %v", kept, err)
	}
	if load := w.Load(shop, paas.Allowance{}); load.RequestSeries[minutes-1] != 1500 {
		t.Error("what cannot be kept is not shown")
	}
	must(t, os.Remove(ballast))
	must(t, add())
	w.restart(t)
	if all := w.of(t, shop, noon); len(all) != (kept+1)*len(many) {
		t.Errorf("%d samples of %d", len(all), (kept+1)*len(many))
	}
	must(t, w.Meter.Close())
}

// After an error of the disk nobody knows what was kept: the segment is opened anew.
func TestBrokenDisk(t *testing.T) {
	w := newWorld(t)
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	must(t, w.tail.file.Close())
	if err := w.Add([]paas.Usage{w.sample(shop, "ins_1", 2)}); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("%v", err)
	}
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 3)}))
	if all := w.of(t, shop, noon); len(all) != 2 || all[1].CPUMillis != 3 {
		t.Errorf("%+v", all)
	}
}
