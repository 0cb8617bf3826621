package archive

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cloudsania/cloudsania/paas"
)

// notPacked are directories that a build makes again, or must not see.
var notPacked = map[string]bool{"node_modules": true, ".venv": true, "__pycache__": true, ".hg": true, ".svn": true}

// Pack writes dir as a gzipped tar that Unpack accepts, the same bytes for the same files. Left out are .git,
// node_modules, .venv, __pycache__ and what operating systems leave behind, dangling links, sockets and devices. A link
// to a file inside dir becomes that file; one to a directory or outside is refused. The limits are Unpack's, so that
// too much is noticed before it travels.
func Pack(ctx context.Context, dir string, w io.Writer) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return &paas.Error{Kind: paas.Invalid, Field: "dir", Msg: fmt.Sprintf("%q cannot be read as a directory", dir),
			Hint: "name the directory of your project", Err: err}
	}
	defer func() { _ = root.Close() }() // a descriptor of a directory
	z := gzip.NewWriter(w)
	p := &packer{ctx: ctx, root: root, tar: tar.NewWriter(z), limits: Options{}.withDefaults()}
	if err := fs.WalkDir(root.FS(), ".", p.entry); err != nil {
		return err
	}
	if p.files == 0 {
		return paas.Invalidf("dir", "name the directory of your project", "%q holds no files", dir)
	}
	if err := p.tar.Close(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return nil
}

type packer struct {
	ctx    context.Context
	root   *os.Root
	tar    *tar.Writer
	limits Options
	files  int
	bytes  int64
}

// entry is called for each path below the root, in lexical order.
func (p *packer) entry(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if name == "." {
		return nil
	}
	if ignored(name) || d.IsDir() && notPacked[d.Name()] {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	switch {
	case d.IsDir():
		return p.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: dirMode})
	case d.Type()&fs.ModeSymlink != 0:
		return p.link(name)
	case d.Type().IsRegular():
		return p.file(name)
	}
	return nil
}

func (p *packer) link(name string) error {
	info, err := p.root.Stat(name) // follows it, but not out of the root
	if errors.Is(err, fs.ErrNotExist) {
		return nil // such as an editor's lock: opening it would fail wherever it is
	}
	hint := "replace it by a copy of what it points to"
	if err != nil {
		return paas.Invalidf("dir", hint, "%q is a symbolic link that leads outside of the directory", name)
	}
	if !info.Mode().IsRegular() {
		return paas.Invalidf("dir", hint, "%q is a symbolic link to a directory", name)
	}
	return p.file(name)
}

func (p *packer) file(name string) error {
	f, err := p.root.Open(name)
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil // it was replaced while we looked
	}
	p.bytes += info.Size()
	if p.bytes > p.limits.Bytes {
		return &paas.Error{Kind: paas.TooLarge, Field: "dir", Msg: fmt.Sprintf("the directory holds more than %s", megabytes(p.limits.Bytes)),
			Hint: fmt.Sprintf("%q is where the limit was reached; leave out what the app does not need to build and run", filepath.FromSlash(name))}
	}
	mode := int64(fileMode)
	if info.Mode()&0o111 != 0 {
		mode = execMode
	}
	if err := p.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: info.Size()}); err != nil {
		return err
	}
	n, err := io.Copy(p.tar, io.LimitReader(f, info.Size()))
	if err != nil {
		return fmt.Errorf("pack %q: %w", name, err)
	}
	if n < info.Size() {
		return &paas.Error{Kind: paas.Conflict, Field: "dir", Msg: fmt.Sprintf("%q became shorter while it was read", name),
			Hint: "try again when nothing is writing to the directory"}
	}
	return nil
}

func (p *packer) header(h *tar.Header) error {
	p.files++
	if p.files > p.limits.Files {
		return &paas.Error{Kind: paas.TooLarge, Field: "dir", Msg: fmt.Sprintf("the directory holds more than %d files", p.limits.Files),
			Hint: "node_modules, .venv and .git are left out by themselves; move other large directories away"}
	}
	if _, err := cleanName(h.Name); err != nil {
		return err
	}
	h.Format = tar.FormatPAX
	if err := p.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("pack %q: %w", h.Name, err)
	}
	return nil
}
