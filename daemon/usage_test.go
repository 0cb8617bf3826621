package daemon

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// An installation of schema 1 kept its samples in the database: after an update they are where package meter keeps them, and pages and
// bills can still read them.
func TestUsageSurvivesTheUpdate(t *testing.T) {
	dir := t.TempDir()
	st := openSchema1(t, dir)
	var old []paas.Usage
	if err := st.OldUsage(func(samples []paas.Usage) error { old = append(old, samples...); return nil }); err != nil || len(old) == 0 {
		t.Fatalf("%d samples in the old database, %v", len(old), err)
	}
	now := func() time.Time { return old[len(old)-1].Time.Add(time.Minute) }
	usage, err := meter.Open(filepath.Join(dir, "usage"), meter.Options{Ledger: st, Log: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := usage.Run(ctx); err != nil { // it tidies up once, then ends
		t.Fatal(err)
	}
	left := 0
	if err := st.OldUsage(func([]paas.Usage) error { left++; return nil }); err != nil || left != 0 {
		t.Errorf("the database still holds %d samplings, %v", left, err)
	}
	for _, want := range old {
		kept, err := usage.Of(paas.Target{App: want.App, Environment: want.Environment}, want.Time)
		if err != nil || !slices.Contains(kept, want) {
			t.Errorf("%+v is not among the %d samples that are kept, %v", want, len(kept), err)
		}
	}
}

// openSchema1 opens a copy of the database that an installation of schema 1 left.
func openSchema1(t *testing.T, dir string) *store.Store {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.Open("../store/testdata/schema1.db.gz")
	must(err)
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	must(err)
	raw, err := io.ReadAll(unpacked)
	must(err)
	must(os.WriteFile(filepath.Join(dir, "cloudsania.db"), raw, 0o600))
	secret, err := os.ReadFile("../store/testdata/schema1.key")
	must(err)
	must(os.WriteFile(filepath.Join(dir, "key"), secret, 0o600))
	key, err := store.LoadKey(filepath.Join(dir, "key"))
	must(err)
	st, err := store.Open(store.Options{Path: filepath.Join(dir, "cloudsania.db"), Key: key, Log: slog.New(slog.DiscardHandler)})
	must(err)
	t.Cleanup(func() { must(st.Close()) })
	return st
}
