package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	fileMode = 0o644
	execMode = 0o755
	dirMode  = 0o755
)

// tree is the directory that an archive's entries go into, and what they have used of the limits.
type tree struct {
	ctx     context.Context
	root    *os.Root
	o       Options
	packed  func() int64 // bytes of the archive read so far
	entries int          // seen, ignored ones too
	kept    int          // files, directories and links made
	bytes   int64        // unpacked, ignored ones too
	dirs    map[string]bool
	tops    map[string]bool // first elements of what was kept
	links   []link
	buf     []byte
}

type link struct{ name, target string }

func newTree(ctx context.Context, dir string, o Options) (*tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory to unpack into: %w", err)
	}
	return &tree{
		ctx: ctx, root: root, o: o.withDefaults(), packed: func() int64 { return 0 },
		dirs: map[string]bool{".": true}, tops: map[string]bool{}, buf: make([]byte, 64<<10),
	}, nil
}

func (t *tree) close() { _ = t.root.Close() } // a descriptor of a directory: closing cannot lose anything

// enter takes an entry's raw name through the rules. The second result is false for an entry to leave out.
func (t *tree) enter(raw string) (string, bool, error) {
	if err := t.ctx.Err(); err != nil {
		return "", false, err
	}
	t.entries++
	if t.entries > t.o.Files*ignoredFactor {
		return "", false, t.tooManyFiles()
	}
	name, err := cleanName(raw)
	if err != nil {
		return "", false, err
	}
	if name == "." || !t.o.Exact && ignored(name) {
		return "", false, nil
	}
	top, _, _ := strings.Cut(name, "/")
	t.tops[top] = true
	return name, true, nil
}

func (t *tree) keep() error {
	t.kept++
	if t.kept > t.o.Files {
		return t.tooManyFiles()
	}
	return nil
}

// mkdir makes a clean path and those above it. Making one again is fine: tars list directories and zips often do not.
func (t *tree) mkdir(name string) error {
	if t.dirs[name] {
		return nil
	}
	if err := t.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := t.keep(); err != nil {
		return err
	}
	if err := t.root.Mkdir(name, dirMode); err != nil {
		return t.writeError(name, err)
	}
	if err := t.root.Chmod(name, dirMode); err != nil { // whatever the umask is
		return t.writeError(name, err)
	}
	t.dirs[name] = true
	return nil
}

// write makes a regular file. It never replaces one.
func (t *tree) write(name string, exec bool, r io.Reader) (err error) {
	if err := t.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := t.keep(); err != nil {
		return err
	}
	var mode fs.FileMode = fileMode
	if exec {
		mode = execMode
	}
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return t.writeError(name, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = t.writeError(name, cerr)
		}
	}()
	if err := f.Chmod(mode); err != nil {
		return t.writeError(name, err)
	}
	return t.copy(name, f, r)
}

// copy moves an entry's content, counting it against the limits as it really is, not as a header says.
func (t *tree) copy(name string, w io.Writer, r io.Reader) error {
	for {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(t.buf)
		t.bytes += int64(n)
		if t.bytes > t.o.Bytes {
			return &paas.Error{Kind: paas.TooLarge, Field: "file", Msg: fmt.Sprintf("the archive unpacks to more than %s", megabytes(t.o.Bytes)),
				Hint: "leave out what the app does not need to build and run, such as node_modules, caches and media"}
		}
		if packed := t.packed(); packed > 0 && t.bytes > ratioFreeBytes && t.bytes/t.o.Ratio > packed {
			return &paas.Error{Kind: paas.TooLarge, Field: "file", Msg: fmt.Sprintf("the archive unpacks to more than %d times its size", t.o.Ratio),
				Hint: fmt.Sprintf("%q is where it was noticed; leave out files that are mostly empty", paas.Clip(name, shownRunes))}
		}
		if n > 0 {
			if _, werr := w.Write(t.buf[:n]); werr != nil {
				return t.writeError(name, werr)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// symlink records a link for finish.
func (t *tree) symlink(name, target string) error {
	if !t.o.AllowSymlinks {
		return refuse(name, "replace it by a copy of what it points to", "is a symbolic link; only files and directories are taken from archives")
	}
	if err := t.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := t.keep(); err != nil {
		return err
	}
	t.links = append(t.links, link{name, target})
	return nil
}

// finish takes the single top directory off and makes the links.
func (t *tree) finish() error {
	if t.kept == 0 {
		if t.o.Exact {
			return nil // a commit may well hold no file; the detection of languages speaks about that
		}
		return paas.Invalidf("file", hintMakeAgain, "the archive holds no files")
	}
	top, err := t.strip()
	if err != nil {
		return err
	}
	for _, l := range t.links {
		if err := t.ctx.Err(); err != nil {
			return err
		}
		name := strings.TrimPrefix(l.name, top)
		if err := checkTarget(name, l.target); err != nil {
			return err
		}
		if err := t.root.Symlink(l.target, name); err != nil {
			return t.writeError(l.name, err)
		}
	}
	return nil
}

// strip moves the contents of the only top directory, if there is only one, to where it is. It returns "top/" or "".
func (t *tree) strip() (string, error) {
	if t.o.Exact || len(t.tops) != 1 {
		return "", nil
	}
	var top string
	for name := range t.tops {
		top = name
	}
	if !t.dirs[top] {
		return "", nil
	}
	aside := ".top-" + rand.Text() // top may hold an entry of its own name
	if err := t.root.Rename(top, aside); err != nil {
		return "", fmt.Errorf("take off the top directory: %w", err)
	}
	entries, err := fs.ReadDir(t.root.FS(), aside)
	if err != nil {
		return "", fmt.Errorf("take off the top directory: %w", err)
	}
	for _, e := range entries {
		if err := t.root.Rename(path.Join(aside, e.Name()), e.Name()); err != nil {
			return "", fmt.Errorf("take off the top directory: %w", err)
		}
	}
	if err := t.root.Remove(aside); err != nil {
		return "", fmt.Errorf("take off the top directory: %w", err)
	}
	return top + "/", nil
}

// writeError explains why a path could not be made.
func (t *tree) writeError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return refuse(name, hintMakeAgain, "is there twice")
	case errors.Is(err, syscall.ENAMETOOLONG):
		return refuse(name, "shorten it", "has a name that is too long")
	}
	return fmt.Errorf("unpack %q: %w", paas.Clip(name, shownRunes), disk.Full(err))
}

func (t *tree) tooManyFiles() error {
	return &paas.Error{Kind: paas.TooLarge, Field: "file", Msg: fmt.Sprintf("the archive holds more than %d files", t.o.Files),
		Hint: "leave out what is made again by the build, such as node_modules and .venv"}
}

// megabytes writes a limit for people.
func megabytes(n int64) string {
	if n >= 1<<30 && n%(1<<30) == 0 {
		return fmt.Sprintf("%d GB", n>>30)
	}
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
