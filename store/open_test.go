package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestFreshInstallationAndReopen(t *testing.T) {
	o := options(t)
	s := mustOpen(t, o)
	settings := s.Settings()
	if !paas.IsID("inl", settings.Installation) || settings.Pool.IsValid() {
		t.Fatalf("fresh settings: %+v", settings)
	}
	team := got(s.Team())(t)
	clients := got(s.Clients())(t)
	server := got(s.Server())(t)
	if team.Name != "default" || len(clients) != 1 || clients[0].Team != team.ID || server.Name != "this server" {
		t.Fatalf("fresh nouns: %+v %+v %+v", team, clients, server)
	}
	withPool(t, s)
	must(t, s.Close())

	marker, err := os.ReadFile(filepath.Join(filepath.Dir(o.Path), "installed"))
	if err != nil || strings.TrimSpace(string(marker)) != settings.Installation {
		t.Fatalf("marker: %q %v", marker, err)
	}
	again := mustOpen(t, o).Settings()
	if again.Installation != settings.Installation || again.Pool != pool || !again.Created.Equal(settings.Created) {
		t.Fatalf("settings after reopening: %+v", again)
	}
	if info, _ := os.Stat(o.Path); info.Mode().Perm() != 0o600 {
		t.Fatalf("database has mode %v", info.Mode())
	}
}

func TestSecondProcessIsTold(t *testing.T) {
	o := options(t)
	mustOpen(t, o)
	_, err := Open(o)
	wantKind(t, err, paas.Unavailable)
	if !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("message: %v", err)
	}
}

// A database that is gone beside the marker of an installation must never become a fresh one: everything would look deleted.
func TestRecoveryInsteadOfFreshInstallation(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing":    os.Remove,
		"zero bytes": func(p string) error { return os.Truncate(p, 0) },
		"no content": func(p string) error { // a valid bbolt file with nothing in it
			empty := filepath.Join(filepath.Dir(p), "empty")
			if err := emptyBolt(empty); err != nil {
				return err
			}
			return os.Rename(empty, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			must(t, mustOpen(t, o).Close())
			must(t, spoil(o.Path))
			_, err := Open(o)
			if !errors.Is(err, ErrRecovery) {
				t.Fatalf("got %v, want ErrRecovery", err)
			}
			wantKind(t, err, paas.Unavailable)
			before, _ := os.Stat(o.Path)
			_, _ = Open(o)
			if after, _ := os.Stat(o.Path); (before == nil) != (after == nil) || after != nil && name == "zero bytes" && after.Size() != 0 {
				t.Fatal("opening made a database")
			}
		})
	}
}

func TestEmptyFileWithoutMarkerIsFresh(t *testing.T) {
	o := options(t)
	must(t, os.WriteFile(o.Path, nil, 0o600)) // the process was killed right after creating it
	mustOpen(t, o)
}

func TestMarkerIsMadeAgain(t *testing.T) {
	o := options(t)
	must(t, mustOpen(t, o).Close())
	marker := filepath.Join(filepath.Dir(o.Path), "installed")
	must(t, os.Remove(marker))
	must(t, mustOpen(t, o).Close())
	if _, err := os.Stat(marker); err != nil {
		t.Fatal(err)
	}
}

func TestWrongKeyIsRefused(t *testing.T) {
	o := options(t)
	must(t, mustOpen(t, o).Close())
	before := got(os.ReadFile(o.Path))(t)
	o.Key = NewKey()
	_, err := Open(o)
	wantKind(t, err, paas.Unavailable)
	if !strings.Contains(err.Error(), "does not belong") {
		t.Fatalf("message: %v", err)
	}
	if string(before) != string(got(os.ReadFile(o.Path))(t)) {
		t.Fatal("the database was written with the wrong key")
	}
	o.Key = Key{}
	_, err = Open(o)
	wantKind(t, err, paas.Unavailable)
}

func TestSomethingElseThanADatabase(t *testing.T) {
	for name, content := range map[string]string{"text": strings.Repeat("hello ", 5000), "one byte": "x", "zeros": string(make([]byte, 1<<16))} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			must(t, os.WriteFile(o.Path, []byte(content), 0o600))
			_, err := Open(o)
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("got %v, want ErrCorrupt", err)
			}
			wantKind(t, err, paas.Unavailable)
		})
	}
}

func TestTemporaryFilesOfAKilledProcessGo(t *testing.T) {
	o := options(t)
	must(t, mustOpen(t, o).Close())
	left := filepath.Join(filepath.Dir(o.Path), ".cloudsania.db.123")
	other := filepath.Join(filepath.Dir(o.Path), ".other.123")
	must(t, os.WriteFile(left, []byte("x"), 0o600))
	must(t, os.WriteFile(other, []byte("x"), 0o600))
	mustOpen(t, o)
	if _, err := os.Stat(left); err == nil {
		t.Fatal("it is still there")
	}
	if _, err := os.Stat(other); err != nil {
		t.Fatal("another program's file is gone")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	s := mustOpen(t, options(t))
	_, err := s.CreateApp(anna, NewApp{Name: "shop"})
	wantKind(t, err, paas.Unavailable) // no pool yet
	for _, bad := range []string{"10.0.0.0/27", "10.0.0.1/16", "fd00::/16"} {
		wantKind(t, s.SaveSettings(paas.Settings{Pool: mustPrefix(bad)}), paas.Invalid)
	}
	wantKind(t, s.SaveSettings(paas.Settings{Installation: "inl_other", Pool: pool}), paas.Invalid)
	withPool(t, s)
	if got := s.Settings(); got.Pool != pool || got.Domain != "example.com" || got.Installation == "" {
		t.Fatalf("settings: %+v", got)
	}
}
