package detect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// Limits on what an untrusted source can make detection read.
const (
	maxConfigBytes = 1 << 20   // package.json, pyproject.toml and the like
	maxLockBytes   = 32 << 20  // lock files that are parsed
	maxCodeBytes   = 256 << 10 // of one source file that is scanned
	maxScanFiles   = 400       // scanned files of a language
	maxEntries     = 20_000    // directory entries looked at in a walk
	maxDepth       = 5
	maxVariables   = 100
	maxFactLength  = 300
)

// source reads a directory of a file system. Names are relative to the directory root of it.
type source struct {
	whole fs.FS  // the source
	fsys  fs.FS  // its directory root
	root  string // "" for the source itself
}

func open(fsys fs.FS, root string) (source, error) {
	clean := strings.Trim(path.Clean("/"+strings.ReplaceAll(root, `\`, "/")), "/")
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return source{}, fmt.Errorf("reading the source: %w", err)
	}
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !ignoredAtTop[e.Name()] }) {
		return source{}, &paas.Error{
			Kind: paas.Invalid,
			Msg:  "the source is empty",
			Hint: "commit at least one file, for instance an index.html, then deploy again",
		}
	}
	if clean == "" {
		return source{whole: fsys, fsys: fsys}, nil
	}
	if info, err := fs.Stat(fsys, clean); err != nil || !info.IsDir() {
		return source{}, paas.Invalidf("root", "write it as it is in the repository, for instance \"apps/web\", or leave it empty", "the source has no directory %q", paas.Clip(root, 100))
	}
	sub, err := fs.Sub(fsys, clean)
	if err != nil {
		return source{}, fmt.Errorf("opening directory %q: %w", clean, err)
	}
	return source{whole: fsys, fsys: sub, root: clean}, nil
}

// ignoredAtTop are entries that do not make a source more than empty.
var ignoredAtTop = map[string]bool{".git": true, ".gitignore": true, ".gitattributes": true, ".DS_Store": true}

// at is the name of a file as seen from the source itself.
func (s source) at(name string) string { return path.Join(s.root, name) }

func (s source) file(name string) bool {
	info, err := fs.Stat(s.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

func (s source) dir(name string) bool {
	info, err := fs.Stat(s.fsys, name)
	return err == nil && info.IsDir()
}

// first returns the first of the names that is a file, or "".
func (s source) first(names ...string) string {
	for _, n := range names {
		if s.file(n) {
			return n
		}
	}
	return ""
}

// read returns a regular file of at most max bytes, without a byte order mark. A longer file is an error, a missing
// one fs.ErrNotExist.
func (s source) read(name string, max int64) ([]byte, error) {
	return readFile(s.fsys, name, s.at(name), max)
}

func readFile(fsys fs.FS, name, shown string, max int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", shown, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: %w", shown, errNotRegular)
	}
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", shown, err)
	}
	if int64(len(b)) > max {
		return nil, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("%q is larger than %d KiB", shown, max>>10),
			Hint: "a file of this name is usually small; is it the right one?",
		}
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), nil
}

var errNotRegular = errors.New("not a regular file")

// text is the content of a small file, or "" when it is missing, long or unreadable: for hints, not for what must be
// understood.
func (s source) text(name string) string {
	b, err := s.read(name, maxCodeBytes)
	if err != nil {
		return ""
	}
	return string(b)
}

// head returns up to n first bytes of a file of any length.
func (s source) head(name string, n int64) string {
	f, err := s.fsys.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	b, _ := io.ReadAll(io.LimitReader(f, n))
	return string(b)
}

// skipped directories hold other people's code, or code that is not the app.
var skipped = map[string]bool{"node_modules": true, "vendor": true, "venv": true, "env": true, "__pycache__": true, "site-packages": true,
	"test": true, "tests": true, "testdata": true, "migrations": true, "docs": true, "examples": true, "dist": true, "build": true}

// find lists the files below the root whose name match accepts, nearest first, then by name: at most max, within the
// walk's limits.
func (s source) find(max int, match func(name string) bool) []string {
	var found []string
	left := maxEntries
	level := []string{"."}
	for depth := 0; depth < maxDepth && len(level) > 0; depth++ {
		var next []string
		for _, dir := range level {
			entries, err := fs.ReadDir(s.fsys, dir)
			if err != nil {
				continue
			}
			for _, e := range entries {
				if left--; left < 0 {
					return found
				}
				name := path.Join(dir, e.Name())
				switch {
				case e.IsDir() && !skipped[e.Name()] && !strings.HasPrefix(e.Name(), "."):
					next = append(next, name)
				case e.Type().IsRegular() && match(e.Name()):
					if found = append(found, name); len(found) == max {
						return found
					}
				}
			}
		}
		level = next
	}
	return found
}

// list names the entries of a directory, directories with a slash.
func (s source) list(dir string) []string {
	entries, err := fs.ReadDir(s.fsys, dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name()+"/")
		} else {
			names = append(names, e.Name())
		}
	}
	return names
}
