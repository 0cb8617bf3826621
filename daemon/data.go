package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// layOut makes the data directory. The edge is another user: it may walk through, not look around.
func layOut(data string) error {
	for dir, mode := range map[string]os.FileMode{
		"": 0o711, "edge": 0o750, "static": 0o755, "git": 0o700, "uploads": 0o700, "logs": 0o700,
	} {
		p := filepath.Join(data, dir)
		if _, err := os.Stat(p); err == nil {
			continue // the installer chose owner and mode
		}
		if err := os.MkdirAll(p, mode); err != nil {
			return &paas.Error{
				Kind: paas.Unavailable,
				Msg:  fmt.Sprintf("cannot make the directory %q", p),
				Hint: "choose another --data, or run as root",
				Err:  err,
			}
		}
	}
	return nil
}

// keyPath is where the sealing key is: never inside the data directory, so that a copy of one is useless without the
// other.
func keyPath(data, flag string) string {
	switch {
	case flag != "":
		return flag
	case filepath.Clean(data) == DefaultData:
		return "/etc/cloudsania/key"
	}
	return filepath.Clean(data) + ".key"
}

// openStore makes the key on a fresh install and insists on it ever after.
func openStore(cfg Config, log *slog.Logger) (*store.Store, error) {
	path := keyPath(cfg.Data, cfg.Key)
	opts := storeOptions(cfg.Data, log)
	makeKey := store.LoadKey
	if !exists(path) && !exists(opts.Path) && !exists(opts.Marker) {
		makeKey = store.CreateKey
	}
	var err error
	if opts.Key, err = makeKey(path); err != nil {
		return nil, err
	}
	return store.Open(opts)
}

// storeOptions say where the database of an installation is; its key is not among them.
func storeOptions(data string, log *slog.Logger) store.Options {
	return store.Options{
		Path:   filepath.Join(data, "cloudsania.db"),
		Marker: filepath.Join(data, "installed"),
		Log:    log.With("part", "store"),
	}
}

// exists reports whether something is at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
