package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

// ErrRecovery is in the chain of Open's error when the installation's database is gone: somebody has to decide, we never begin anew.
var ErrRecovery = errors.New("the database of this installation is gone")

const (
	lockTimeout  = 2 * time.Second
	maxFileBytes = 16 << 30 // a database this large is a mistake of ours; better a refused write than a full disk
)

// Options say where the database is. Marker is the file that tells an installation from an empty directory ("" is "installed" beside
// Path). Key is required. Log and Now have defaults.
type Options struct {
	Path, Marker string
	Key          Key
	Log          *slog.Logger
	Now          func() time.Time
}

// Store is the open database. All methods are safe for concurrent use. What is not there is an error of kind NotFound.
type Store struct {
	db       *bolt.DB
	path     string
	seals    sealer
	log      *slog.Logger
	now      func() time.Time
	settings paas.Settings // as they were at Open
	watchers watchers
	broken   atomic.Pointer[error] // the write error after which nothing more is written
}

// Open checks the file from end to end, then opens it for this process alone; on an empty directory it begins a new installation. Every
// error tells a person what to do: held by another process, damaged (ErrCorrupt), gone (ErrRecovery), made by a newer version, wrong key.
func Open(o Options) (*Store, error) { return open(o, migrations()) }

// Close releases the file after running transactions have ended. The store is useless afterwards.
func (s *Store) Close() error { return s.db.Close() }

func open(o Options, steps []migration) (_ *Store, err error) {
	if o.Key.IsZero() {
		return nil, keyError("load the key first", "there is no key to open the database with")
	}
	if o.Marker == "" {
		o.Marker = filepath.Join(filepath.Dir(o.Path), "installed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	seals, err := newSealer(o.Key)
	if err != nil {
		return nil, fmt.Errorf("use key: %w", err)
	}
	installed, err := isInstalled(o)
	if err != nil {
		return nil, err
	}
	s := &Store{path: o.Path, seals: seals, log: o.Log, now: o.Now}
	found, err := s.openFile()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	if err := disk.RemoveTemporaries(s.path); err != nil {
		return nil, err
	}
	if err := s.begin(o, installed, found, steps); err != nil {
		return nil, err
	}
	return s, writeMarker(o.Marker, s.settings.Installation)
}

// isInstalled reports whether the marker exists, and refuses when it does and the database does not.
func isInstalled(o Options) (bool, error) {
	if _, err := os.Stat(o.Marker); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look for the marker of an installation: %w", err)
	}
	info, err := os.Stat(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, recovery(o, "missing")
	}
	if err != nil {
		return true, fmt.Errorf("look for the database: %w", err)
	}
	if info.Size() == 0 {
		return true, recovery(o, "empty")
	}
	return true, nil
}

func recovery(o Options, how string) error {
	return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the database %q is %s although Cloudsania is installed here", o.Path, how),
		Hint: fmt.Sprintf("apps keep serving; put a snapshot in its place, or remove %q to begin with nothing", o.Marker), Err: ErrRecovery}
}

// openFile locks, checks and opens the database file; the finding says what the check saw.
func (s *Store) openFile() (found finding, err error) {
	var file *os.File
	err = s.guard(func() error {
		s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{
			Timeout: lockTimeout, FreelistType: bolt.FreelistMapType, MaxSize: maxFileBytes, NoStatistics: true,
			OpenFile: func(path string, flag int, mode os.FileMode) (*os.File, error) {
				file, found, err = lockAndInspect(path, flag, mode)
				return file, err
			},
		})
		return err
	})
	if err == nil {
		return found, nil
	}
	if file != nil {
		_ = file.Close() // bbolt has done so, unless it panicked
	}
	var said *paas.Error
	if errors.As(err, &said) {
		return found, err
	}
	return found, noSpace(fmt.Errorf("open the database: %w", err))
}

// lockAndInspect opens and locks the file as bbolt would, and reads all of it before bbolt maps it into memory: a fault in a mapped file
// would end the process.
func lockAndInspect(path string, flag int, mode os.FileMode) (_ *os.File, found finding, err error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, found, openError(path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := lock(f, lockTimeout); err != nil {
		return nil, found, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, found, err
	}
	if info.Size() == 0 {
		return f, found, nil
	}
	found, err = inspect(f, info.Size(), verifyRecord)
	return f, found, err
}

func openError(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the database %q cannot be opened by this user", path),
			Hint: "start it as the user that owns the data directory", Err: err}
	}
	return err
}

// begin brings the content up to date: a new installation's first records, the key's check, migrations.
func (s *Store) begin(o Options, installed bool, found finding, steps []migration) error {
	empty := false
	err := s.guard(func() error {
		return s.db.View(func(t *bolt.Tx) error { empty = t.Bucket([]byte(metaBucket)) == nil; return nil })
	})
	if err != nil {
		return err
	}
	if empty && installed {
		return recovery(o, "empty")
	}
	if empty {
		err = s.install(steps)
	} else if err = s.checkKey(); err == nil {
		err = s.migrate(steps)
	}
	if err != nil {
		return err
	}
	if found.oneMeta {
		s.log.Warn("the newest state of the database was unreadable; the one before it was taken", "path", s.path)
		if err := s.AppendEvent(paas.System, paas.DatabaseSteppedBack{}, "", paas.Path{}); err != nil {
			return err
		}
	}
	return s.View(func(t *Tx) error {
		s.settings, err = get[paas.Settings](t, metaBucket, "settings")
		return err
	})
}

// install writes what every installation begins with. It runs once, in one transaction.
func (s *Store) install(steps []migration) error {
	return s.update(func(t *Tx) error {
		for _, b := range buckets() {
			if _, err := t.bolt.CreateBucketIfNotExists([]byte(b)); err != nil {
				return fmt.Errorf("create bucket: %w", err)
			}
		}
		settings := paas.Settings{Installation: paas.NewID("inl"), Created: t.now}
		team := paas.Team{ID: paas.NewID("tea"), Name: "default", Created: t.now, Life: paas.Life{Seq: 1}}
		client := paas.Client{ID: paas.NewID("cli"), Team: team.ID, Name: "default", Created: t.now, Life: paas.Life{Seq: 2}}
		server := paas.Server{ID: paas.NewID("srv"), Name: "this server", Created: t.now, Life: paas.Life{Seq: 3}}
		return errors.Join(
			t.put(metaBucket, "schema", 1+len(steps)),
			t.put(metaBucket, "keycheck", s.seals.seal(metaBucket, "keycheck", 1, []byte(settings.Installation))),
			t.put(metaBucket, "settings", settings),
			t.put(metaBucket, "sequence", uint64(3)),
			t.builtInRoles(),
			t.put(metaBucket, "server", server),
			t.put(teamBucket, team.ID, team),
			t.put(clientBucket, client.ID, client),
			t.as(paas.System).event(paas.InstallationCreated{}, settings.Installation, paas.Path{Team: team.ID}),
		)
	})
}

// checkKey refuses a key that did not seal this database, before anything is written with it.
func (s *Store) checkKey() error {
	return s.View(func(t *Tx) error {
		box, err := get[[]byte](t, metaBucket, "keycheck")
		if err != nil {
			return err
		}
		if _, err := s.seals.open(metaBucket, "keycheck", 1, box); err != nil {
			return keyError("use the key file that belongs to this data directory", "the key does not belong to this database")
		}
		return nil
	})
}

func writeMarker(path, installation string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	err := disk.WriteFile(path, []byte(installation+"\n"))
	if err != nil {
		return noSpace(fmt.Errorf("write the marker of an installation: %w", err))
	}
	return nil
}

// moment is now as records keep it: UTC, milliseconds.
func (s *Store) moment() time.Time { return s.now().UTC().Truncate(time.Millisecond) }
