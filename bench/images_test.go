package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyOurOwnImagesAreSwept(t *testing.T) {
	data := t.TempDir()
	if _, ok := imagesOf(data); ok {
		t.Error("an installation that never made an image has some")
	}
	if err := os.Mkdir(filepath.Join(data, "builder"), 0o700); err != nil {
		t.Fatal(err)
	}
	const made = `{"sets":[[]],"images":["cloudsania/base:a","cloudsania/run:r","cloudsania/builder:ours","127.0.0.1:34567/run/debian:r"],"run_tags":["r"]}`
	if err := os.WriteFile(filepath.Join(data, "builder", "made.json"), []byte(made), 0o600); err != nil {
		t.Fatal(err)
	}
	own, ok := imagesOf(data)
	if !ok {
		t.Fatal("no images found")
	}
	for name, want := range map[string]bool{
		"127.0.0.1:34567/apps/app_1@sha256:00": true,
		"127.0.0.1:34567/run/debian:r":         true,
		"cloudsania/builder:ours":              true,
		"cloudsania/builder:theirs":            false,
		"127.0.0.1:3456/apps/app_1@sha256:00":  false,
		"cloudsania/base:a":                    false,
		"cloudsania/run:r":                     false,
		"debian:13":                            false,
	} {
		if own.has(name) != want {
			t.Errorf("%s is ours: %v, want %v", name, !want, want)
		}
	}
}
