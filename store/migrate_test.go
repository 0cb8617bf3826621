package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func schemaOf(t *testing.T, s *Store) int {
	t.Helper()
	var n int
	must(t, s.View(func(tx *Tx) (err error) { n, err = get[int](tx, metaBucket, "schema"); return err }))
	return n
}

// rename is a migration as they will be: it reads records in their old form and writes the new one.
func rename(from, to string) migration {
	return func(tx *Tx) error {
		apps, err := list[paas.App](tx, appBucket, "")
		for _, a := range apps {
			if a.Name == from {
				a.Name = to
				err = errors.Join(err, tx.put(appBucket, a.ID, a))
			}
		}
		return err
	}
}

// beyond is the present schema and steps that lead further.
func beyond(steps ...migration) []migration { return append(migrations(), steps...) }

func TestMigrationsRunOnceInOrder(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "one")
	must(t, s.Close())

	steps := beyond(rename("one", "two"), rename("two", "three"))
	s = got(open(o, steps))(t)
	if a := got(s.App(w.app.ID))(t); a.Name != "three" || schemaOf(t, s) != 1+len(steps) {
		t.Fatalf("%q at schema %d", a.Name, schemaOf(t, s))
	}
	must(t, s.UpdateApp(anna, w.app.ID, func(*paas.App) error { return nil }))
	if r := got(s.VerifyEvents())(t); !r.OK() {
		t.Fatalf("%+v", r.Breaks)
	}
	must(t, s.Close())

	s = got(open(o, append(steps, rename("three", "four"))))(t)
	if a := got(s.App(w.app.ID))(t); a.Name != "four" || schemaOf(t, s) != 2+len(steps) {
		t.Fatalf("%q at schema %d", a.Name, schemaOf(t, s))
	}
	must(t, s.Close())

	_, err := open(o, steps)
	wantKind(t, err, paas.Unavailable) // an older version must not touch it
	if want := fmt.Sprintf("the database has schema %d, and this version of Cloudsania knows up to %d", 2+len(steps), 1+len(steps)); paas.Public(err).Msg != want {
		t.Fatalf("it says %q", paas.Public(err).Msg)
	}

	before := mustOpen(t, Options{Path: fmt.Sprintf("%s.schema-%d", o.Path, len(steps)-1), Key: o.Key, Marker: filepath.Join(t.TempDir(), "m")})
	if a := got(before.App(w.app.ID))(t); a.Name != "one" {
		t.Fatal("the copy from before the migration is not what it was")
	}
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	o := options(t)
	s := withPool(t, mustOpen(t, o))
	w := newSite(t, s, "one")
	must(t, s.Close())
	broken := errors.New("broken")
	_, err := open(o, beyond(rename("one", "two"), func(tx *Tx) error {
		return errors.Join(rename("two", "three")(tx), broken)
	}))
	if !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	s = got(open(o, beyond(rename("one", "two"))))(t)
	defer s.Close()
	if a := got(s.App(w.app.ID))(t); a.Name != "two" || schemaOf(t, s) != 1+len(beyond(nil)) {
		t.Fatalf("%q at schema %d: the step that succeeded should stay, the other leave nothing", a.Name, schemaOf(t, s))
	}
}

func TestFreshInstallationHasTheNewestSchema(t *testing.T) {
	o := options(t)
	called := false
	s := got(open(o, beyond(func(*Tx) error { called = true; return nil })))(t)
	defer s.Close()
	if schemaOf(t, s) != 1+len(beyond(nil)) || called {
		t.Fatalf("schema %d, migration run: %v", schemaOf(t, s), called)
	}
}
