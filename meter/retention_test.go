package meter

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func TestOldSegmentsBecomeSums(t *testing.T) {
	w := newWorld(t)
	for i := range int64(3) {
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 10+i), w.sample(blog, "ins_2", 1000)}))
		w.clock.add(time.Minute)
	}
	w.clock.set(noon.Add(24 * time.Hour))
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	w.clock.set(noon.Add(kept))
	must(t, w.tidy())
	if len(w.ledger.days) != 0 {
		t.Fatalf("folded too early: %+v", w.ledger.days)
	}
	w.clock.add(12 * time.Hour)
	for range 3 {
		must(t, w.tidy())
		w.restart(t)
	}
	want := paas.UsageDay{Samples: 3, MemorySum: 33_000}
	want.Usage = paas.Usage{App: "app_shop", Environment: "env_1", Time: noon.Truncate(24 * time.Hour),
		CPUMillis: 33, ReceivedBytes: 3, SentBytes: 6, Requests: 9}
	if got := w.ledger.days["app_shop 2026-11-27"]; got != want || len(w.ledger.days) != 2 {
		t.Fatalf("%+v", w.ledger.days)
	}
	if files := w.files(t); len(files) != 1 || !strings.HasPrefix(files[0], "2026-11-28") {
		t.Errorf("segments: %v", files)
	}
}

// Killed after the ledger has the sums and before the file is gone, any number of times.
func TestFoldedOnce(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
		w.clock.add(24 * time.Hour)
	}
	w.clock.add(kept)
	w.ledger.foldFail = errors.New("killed")
	for range 3 {
		if err := w.tidy(); !errors.Is(err, w.ledger.foldFail) {
			t.Fatal(err)
		}
		w.restart(t)
	}
	if files := w.files(t); len(files) != 3 || len(w.ledger.days) != 1 {
		t.Fatalf("went on to the next segment: %v, %+v", files, w.ledger.days)
	}
	w.ledger.foldFail = nil
	must(t, w.tidy())
	if len(w.files(t)) != 0 || len(w.ledger.days) != 3 {
		t.Errorf("%v, %+v", w.files(t), w.ledger.days)
	}
	for day, d := range w.ledger.days {
		if d.Samples != 1 {
			t.Errorf("%s: %+v", day, d)
		}
	}
}

func TestUnreadableSegmentsWait(t *testing.T) {
	w := newWorld(t)
	must(t, os.Mkdir(filepath.Join(w.Meter.dir, "2026-11-01.0123456789abcdef.usage"), 0o700))
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	w.clock.add(kept + 24*time.Hour)
	if err := w.tidy(); err == nil || len(w.ledger.days) != 1 {
		t.Errorf("%v, %+v", err, w.ledger.days)
	}
}

// The segment that is being written is folded too when the clock jumps, and what comes after the clock was put right
// is counted as well.
func TestClockJumps(t *testing.T) {
	w := newWorld(t)
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	w.clock.add(10 * 365 * 24 * time.Hour)
	must(t, w.tidy())
	w.clock.set(noon.Add(time.Minute))
	must(t, w.Add([]paas.Usage{w.sample(shop, "ins_1", 1)}))
	w.clock.add(kept + 24*time.Hour)
	must(t, w.tidy())
	if d := w.ledger.days["app_shop 2026-11-27"]; d.Samples != 2 {
		t.Errorf("%+v", w.ledger.days)
	}
}

func TestOldSamplesAreImported(t *testing.T) {
	w := newWorld(t)
	for day := range 30 {
		at := noon.Add(time.Duration(day-30)*24*time.Hour + 23*time.Hour + 30*time.Minute)
		u := paas.Usage{Instance: "ins_1", App: shop.App, Environment: shop.Environment, Time: at, Requests: 1}
		w.ledger.old = append(w.ledger.old, []paas.Usage{u})
	}
	all := w.ledger.old
	w.ledger.dropFail = errors.New("killed")
	w.Load(shop, paas.Allowance{}) // a page is open before the import
	for range 3 {                  // killed before the database has forgotten them
		if err := w.tidy(); !errors.Is(err, w.ledger.dropFail) {
			t.Fatal(err)
		}
		w.restart(t)
		must(t, w.Add([]paas.Usage{w.sample(blog, "ins_2", 1)}))
	}
	w.ledger.dropFail = nil
	must(t, w.tidy())
	must(t, w.tidy())
	w.restart(t)
	if got := w.of(t, shop, time.Time{}); len(got) != 30 || got[0] != all[0][0] || got[29] != all[29][0] {
		t.Errorf("%d samples: %+v", len(got), got)
	}
	if load := w.Load(shop, paas.Allowance{}); load.Requests != 1 {
		t.Errorf("the last hour: %+v", load)
	}
	if files := w.files(t); len(files) != 2 {
		t.Errorf("segments: %v", files)
	}
	w.clock.add(kept + 24*time.Hour)
	must(t, w.tidy())
	if len(w.ledger.days) != 31 || len(w.files(t)) != 0 {
		t.Errorf("%d days, %v", len(w.ledger.days), w.files(t))
	}
}

func TestImportThatIsCutShort(t *testing.T) {
	w := newWorld(t)
	w.ledger.old = [][]paas.Usage{{w.sample(shop, "ins_1", 1)}}
	staged := filepath.Join(w.Meter.dir, "."+imported+".123.tmp")
	must(t, os.WriteFile(staged, []byte("half"), 0o600))
	must(t, w.tidy())
	if files := w.files(t); len(files) != 1 || len(w.of(t, shop, noon)) != 1 {
		t.Errorf("%v", files)
	}
}
