package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/cloudsania/cloudsania/paas"
)

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func emptyBolt(path string) error {
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	return db.Close()
}

func TestCreateAndLoadKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "etc", "key")
	made := got(CreateKey(path))(t)
	if loaded := got(LoadKey(path))(t); loaded != made {
		t.Fatal("another key was read")
	}
	if info := got(os.Stat(path))(t); info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", info.Mode())
	}
	_, err := CreateKey(path)
	wantKind(t, err, paas.Conflict)
	if loaded := got(LoadKey(path))(t); loaded != made {
		t.Fatal("the key was replaced")
	}
	if entries := got(os.ReadDir(filepath.Dir(path)))(t); len(entries) != 1 {
		t.Fatalf("temporary files are left: %v", entries)
	}
}

func TestKeyFileRules(t *testing.T) {
	good := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	for _, c := range []struct {
		name, content, message string
		mode                   os.FileMode
	}{
		{"good", good, "", 0o600},
		{"good with newline, read-only", good + "\n", "", 0o400},
		{"readable by the group", good, "can be read by others", 0o640},
		{"readable by all", good, "can be read by others", 0o604},
		{"empty", "", "is damaged", 0o600},
		{"short", base64.StdEncoding.EncodeToString([]byte("short")), "is damaged", 0o600},
		{"long", base64.StdEncoding.EncodeToString(make([]byte, 64)), "is damaged", 0o600},
		{"no base64", strings.Repeat("!", 44), "is damaged", 0o600},
		{"huge", strings.Repeat("A", 1<<20), "is damaged", 0o600},
		{"zeros", base64.StdEncoding.EncodeToString(make([]byte, 32)), "only zeros", 0o600},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			must(t, os.WriteFile(path, []byte(c.content), 0o600))
			must(t, os.Chmod(path, c.mode))
			_, err := LoadKey(path)
			if c.message == "" {
				must(t, err)
				return
			}
			wantKind(t, err, paas.Unavailable)
			if !strings.Contains(err.Error(), c.message) || strings.Contains(err.Error(), "kkkk") {
				t.Fatalf("message: %v", err)
			}
		})
	}
}

func TestMissingKeyAndOddFiles(t *testing.T) {
	dir := t.TempDir()
	_, err := LoadKey(filepath.Join(dir, "none"))
	wantKind(t, err, paas.Unavailable)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is missing") {
		t.Fatalf("message: %v", err)
	}
	_, err = LoadKey(dir)
	wantKind(t, err, paas.Unavailable)
}

func TestKeyCannotBePrinted(t *testing.T) {
	k := NewKey()
	raw := string(k.b[:4])
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %x %s", k, k, k, k, k), k.LogValue().String(), fmt.Sprintf("%+v", Options{Key: k})} {
		if strings.Contains(s, raw) || !strings.Contains(s, "[redacted]") || strings.Contains(s, fmt.Sprintf("%x", raw)) {
			t.Fatalf("printed: %s", s)
		}
	}
}
