package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// maxDirectoryBytes is how much of a zip may be read to find its entries: package zip keeps all of them in memory,
// about ten bytes for each byte on the disk.
const maxDirectoryBytes = 32 << 20

func (t *tree) unpackZip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	t.packed = info.Size
	in := &meteredReaderAt{r: f, left: maxDirectoryBytes}
	z, err := zip.NewReader(in, info.Size())
	if errors.Is(err, errMeter) {
		return t.tooManyFiles()
	}
	if err != nil {
		return t.zipError("", err)
	}
	in.left = -1
	for _, f := range z.File {
		if err := t.zipEntry(f); err != nil {
			return t.zipError(f.Name, err)
		}
	}
	return nil
}

func (t *tree) zipEntry(f *zip.File) error {
	// Old Windows programs write backslashes, which APPNOTE 4.4.17 forbids; taken as what they were meant to be.
	raw := strings.ReplaceAll(f.Name, `\`, "/")
	if len(raw) > 1 && raw[1] == ':' {
		return refuse(f.Name, hintMakeAgain, "has an absolute path")
	}
	name, ok, err := t.enter(raw)
	if err != nil || !ok {
		return err
	}
	const encrypted = 1 // APPNOTE 4.4.4, bit 0
	if f.Flags&encrypted != 0 {
		return refuse(name, "make the archive again without a password", "is encrypted")
	}
	mode := f.Mode()
	switch {
	case strings.HasSuffix(raw, "/") || mode.IsDir():
		return t.mkdir(name)
	case mode&fs.ModeSymlink != 0:
		return t.zipLink(f, name)
	case mode&fs.ModeNamedPipe != 0:
		return refuse(name, "leave it out", "is a named pipe")
	case mode&fs.ModeDevice != 0:
		return refuse(name, "leave it out", "is a device file")
	case !mode.IsRegular():
		return refuse(name, "leave it out", "is neither a file nor a directory")
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read; a wrong checksum is reported by Read
	return t.write(name, mode&0o111 != 0, r)
}

// zipLink reads a link's target, which zip keeps as the file's content.
func (t *tree) zipLink(f *zip.File, name string) error {
	if !t.o.AllowSymlinks {
		return t.symlink(name, "")
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // only read
	target, err := io.ReadAll(io.LimitReader(r, maxLinkBytes+1))
	if err != nil {
		return err
	}
	return t.symlink(name, string(target))
}

func (t *tree) zipError(name string, err error) error {
	var explained *paas.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &explained), errors.As(err, &path), t.ctx.Err() != nil:
		return err
	case errors.Is(err, zip.ErrAlgorithm):
		return refuse(name, "make the archive with your system's own zip program", "is compressed in an unusual way")
	case name == "" && errors.Is(err, zip.ErrFormat):
		return damaged(fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)) // what a zip holds is written at its end
	}
	return damaged(fmt.Errorf("%q: %w", paas.Clip(name, shownRunes), err))
}

var errMeter = errors.New("too much was read")

// meteredReaderAt fails once more than left bytes were asked for; a negative left is no limit.
type meteredReaderAt struct {
	r    io.ReaderAt
	left int64
}

func (m *meteredReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, zip.ErrFormat // package zip believes what the directory says about where entries begin
	}
	if m.left >= 0 {
		if int64(len(p)) > m.left {
			return 0, errMeter
		}
		m.left -= int64(len(p))
	}
	return m.r.ReadAt(p, off)
}
