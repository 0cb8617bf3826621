package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	t.Setenv("CLOUDSANIA_TEST_CACHE", filepath.Join(t.TempDir(), "none"))
	o, err := parse([]string{"--runs", "7", "--only", "memory,push"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var chosen []string
	for _, s := range o.chosen() {
		chosen = append(chosen, s.name)
	}
	if o.Runs != 7 || !slices.Equal(chosen, []string{"push", "memory"}) || o.Install || o.BaseTree != "" || o.Runtimes != "" {
		t.Errorf("%+v chooses %v", o, chosen)
	}
	if o, err = parse([]string{"--only", "install"}, io.Discard); err != nil || !o.Install {
		t.Errorf("asking for install alone does not switch it on: %+v, %v", o, err)
	}
	if o, err = parse(nil, io.Discard); err != nil || o.Runs < 5 || len(o.chosen()) != len(scenarios()) {
		t.Errorf("without flags: %+v, %v", o, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{{"--only", "push,speed"}, {"--runs", "0"}, {"--idle", "10ms"}, {"--settle", "-1s"}, {"push"}, {"--unknown"}} {
		if o, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v was taken as %+v", args, o)
		}
	}
}

func TestCacheOfTheTestsIsUsed(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("CLOUDSANIA_TEST_CACHE", cache)
	if err := os.MkdirAll(filepath.Join(cache, "tree", "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	if o, err := parse(nil, io.Discard); err != nil || o.BaseTree != "" || o.Runtimes != filepath.Join(cache, "runtimes") {
		t.Errorf("an unfinished tree: %+v, %v", o, err)
	}
	if err := os.WriteFile(filepath.Join(cache, "tree", "etc", "debian_version"), []byte("13\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if o, err := parse(nil, io.Discard); err != nil || o.BaseTree != filepath.Join(cache, "tree") {
		t.Errorf("a whole tree: %+v, %v", o, err)
	}
	if o, err := parse([]string{"--base-tree", "/mine"}, io.Discard); err != nil || o.BaseTree != "/mine" {
		t.Errorf("a tree of one's own: %+v, %v", o, err)
	}
}

func TestWrongFlagsExitWith2(t *testing.T) {
	var errs strings.Builder
	if code := bench(t.Context(), []string{"--only", "nothing"}, io.Discard, &errs); code != 2 || !strings.Contains(errs.String(), "repository") {
		t.Errorf("exit %d, %q; want 2 and the list of what there is", code, errs.String())
	}
	if code := bench(t.Context(), []string{"--help"}, io.Discard, io.Discard); code != 0 {
		t.Errorf("--help exits with %d", code)
	}
}

func TestTimesInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{time.Minute: "1 min", 90 * time.Second: "90 s", 30 * time.Second: "30 s", 1500 * time.Millisecond: "1.5 s"} {
		if got := words(d); got != want {
			t.Errorf("%s = %q, want %q", d, got, want)
		}
	}
}
