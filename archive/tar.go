package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	tarBlock = 512
	// maxPaddingBytes is how much may follow the end of a compressed tar: tar pads to its record size, which can be
	// set.
	maxPaddingBytes = 1 << 20
)

func (t *tree) unpackTarGzip(r io.Reader) error {
	in := &countingReader{r: r}
	t.packed = func() int64 { return in.n }
	z, err := gzip.NewReader(bufio.NewReaderSize(in, 64<<10))
	if err != nil {
		return damaged(err)
	}
	if err := t.unpackTar(z); err != nil {
		return err
	}
	// The checksum of the compressed data comes after the padding.
	n, err := io.CopyN(io.Discard, z, maxPaddingBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return damaged(err)
	}
	if n == maxPaddingBytes {
		return paas.Invalidf("file", hintMakeAgain, "the archive goes on after its end")
	}
	return nil
}

func (t *tree) unpackTar(r io.Reader) error {
	end := &endReader{r: r}
	tr := tar.NewReader(end)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t.tarError(err)
		}
		if err := t.tarEntry(tr, h); err != nil {
			return t.tarError(err)
		}
	}
	// Package tar takes a file that stops between two entries for a complete one.
	if !end.zeros {
		return t.tarError(io.ErrUnexpectedEOF)
	}
	return nil
}

func (t *tree) tarEntry(tr *tar.Reader, h *tar.Header) error {
	if h.Typeflag == tar.TypeXGlobalHeader { // git archive puts the commit's hash there
		return nil
	}
	name, ok, err := t.enter(h.Name)
	if err != nil {
		return err
	}
	if !ok {
		return t.copy(h.Name, io.Discard, tr) // counted: skipping costs as much as unpacking
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeCont:
		return t.write(name, h.FileInfo().Mode()&0o111 != 0, tr)
	case tar.TypeDir:
		return t.mkdir(name)
	case tar.TypeSymlink:
		return t.symlink(name, h.Linkname)
	case tar.TypeLink:
		return refuse(name, "replace it by a copy of what it points to", "is a hard link; only files and directories are taken from archives")
	case tar.TypeChar, tar.TypeBlock:
		return refuse(name, "leave it out", "is a device file")
	case tar.TypeFifo:
		return refuse(name, "leave it out", "is a named pipe")
	case tar.TypeGNUSparse:
		return refuse(name, "make the archive without --sparse", "is a sparse file")
	}
	return refuse(name, "leave it out", "is neither a file nor a directory (tar type %q)", h.Typeflag)
}

// tarError tells damage of the archive apart from errors that already say what is wrong.
func (t *tree) tarError(err error) error {
	var explained *paas.Error
	var path *fs.PathError
	if errors.As(err, &explained) || errors.As(err, &path) || t.ctx.Err() != nil {
		return err
	}
	if t.entries == 0 && errors.Is(err, tar.ErrHeader) {
		return paas.Invalidf("file", "upload a .zip, .tar or .tar.gz file", "the file holds no tar archive")
	}
	return damaged(err)
}

func damaged(err error) error {
	msg := "the archive is damaged"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		msg = "the archive is cut off"
	}
	return &paas.Error{Kind: paas.Invalid, Field: "file", Msg: msg,
		Hint: "upload it again; if that does not help, " + hintMakeAgain, Err: fmt.Errorf("unpack: %w", err)}
}

// countingReader counts what was read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// endReader records whether the last thing read was zeros, as at the end of every complete tar.
type endReader struct {
	r     io.Reader
	zeros bool
}

func (e *endReader) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if n > 0 {
		e.zeros = true
		for _, c := range p[:n] {
			if c != 0 {
				e.zeros = false
				break
			}
		}
	}
	return n, err
}
