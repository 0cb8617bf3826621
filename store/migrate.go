package store

import (
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// A migration turns the records of one schema version into the next one's. It runs in the transaction that also writes the new version.
type migration func(*Tx) error

// migrations lead from schema 1 to the newest: the first one to 2, the second to 3. Old ones stay for ever.
func migrations() []migration { return []migration{toSchema2} }

// migrate runs what is missing. Before the first step a copy of the file as it was is put beside it, named after its schema.
func (s *Store) migrate(steps []migration) error {
	var at int
	err := s.View(func(t *Tx) (err error) {
		at, err = get[int](t, metaBucket, "schema")
		return err
	})
	if err != nil {
		return err
	}
	newest := 1 + len(steps)
	if at > newest || at < 1 {
		return &paas.Error{Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("the database has schema %d, and this version of Cloudsania knows up to %d", at, newest),
			Hint: "install the newer version again; apps keep serving"}
	}
	if at == newest {
		return nil
	}
	if err := s.SnapshotFile(fmt.Sprintf("%s.schema-%d", s.path, at)); err != nil {
		return fmt.Errorf("keep a copy before the migration: %w", err)
	}
	for ; at < newest; at++ {
		if err := s.migrateStep(steps[at-1], at+1); err != nil {
			return fmt.Errorf("migrate the database to schema %d: %w", at+1, err)
		}
		s.log.Info("database migrated", "schema", at+1)
	}
	return nil
}

func (s *Store) migrateStep(step migration, to int) error {
	return s.update(func(t *Tx) error {
		for _, b := range buckets() { // those that came with a newer schema
			if _, err := t.bolt.CreateBucketIfNotExists([]byte(b)); err != nil {
				return fmt.Errorf("create bucket: %w", err)
			}
		}
		if err := step(t); err != nil {
			return err
		}
		if err := t.put(metaBucket, "schema", to); err != nil {
			return err
		}
		return t.as(paas.System).event(paas.DatabaseMigrated{Schema: to}, "", paas.Path{})
	})
}
