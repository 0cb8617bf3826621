// Package archive turns a zip or tar archive from an untrusted sender into a directory, and a directory into an
// archive.
//
// Nothing in an archive is trusted: every path is checked before it is used and every write goes through os.Root, which
// cannot leave its directory whatever the path says. Only regular files and directories come out (and, for our own git
// checkouts, symbolic links that stay inside); owner, times and modes are not taken over except "may be executed".
// Links are made last, so that no entry is ever written through one. A refusal is a *paas.Error that names the entry;
// the caller removes the directory, which then holds what was unpacked so far.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// Options are the limits of one archive, and how much of it to keep. The zero value is right for uploads.
type Options struct {
	Files         int   // files, directories and links; 0: 50,000
	Bytes         int64 // unpacked; 0: 2 GiB
	Ratio         int64 // unpacked bytes per packed byte, past the first 64 MiB; 0: 100
	AllowSymlinks bool  // relative ones that stay inside; otherwise each is refused
	Exact         bool  // the tree as it is: no top directory is taken off and nothing is ignored
}

const (
	defaultFiles = 50_000
	defaultBytes = 2 << 30
	defaultRatio = 100
	// ratioFreeBytes may be reached at any ratio: small archives of zeros do no harm.
	ratioFreeBytes = 64 << 20
	// ignoredFactor is how many more entries than Files an archive may have when they are ignored ones, such as those
	// of .git.
	ignoredFactor = 8
)

func (o Options) withDefaults() Options {
	if o.Files <= 0 {
		o.Files = defaultFiles
	}
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	if o.Ratio <= 0 {
		o.Ratio = defaultRatio
	}
	return o
}

// Unpack writes the archive at path, a zip, tar or gzipped tar told by its first bytes, into dir, which must exist and
// be empty. When all entries share one top directory, as downloads from code forges do, its contents are what dir gets.
// What operating systems and version control leave behind (.git, __MACOSX, .DS_Store, ._*) is ignored. Errors a person
// can do something about are *paas.Error of kind Invalid, TooLarge or NoSpace.
func Unpack(ctx context.Context, path, dir string, o Options) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open archive: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	start := make([]byte, tarBlock)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read archive: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	t, err := newTree(ctx, dir, o)
	if err != nil {
		return err
	}
	defer t.close()
	switch kind := detect(start[:n]); kind {
	case kindZip:
		err = t.unpackZip(f)
	case kindTar:
		err = t.unpackTar(f)
	case kindTarGzip:
		err = t.unpackTarGzip(f)
	case "":
		return paas.Invalidf("file", "upload a .zip, .tar or .tar.gz file", "this is not an archive that can be read")
	case kindEmpty:
		return paas.Invalidf("file", "upload a .zip, .tar or .tar.gz file", "the file is empty")
	default:
		return paas.Invalidf("file", "pack it as .zip or .tar.gz instead", "%s archives are not supported", kind)
	}
	if err != nil {
		return err
	}
	return t.finish()
}

// UnpackTar is Unpack for an uncompressed tar that comes as a stream, such as git archive's output. It reads r to the
// end of the archive, not beyond.
func UnpackTar(ctx context.Context, r io.Reader, dir string, o Options) error {
	t, err := newTree(ctx, dir, o)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.unpackTar(r); err != nil {
		return err
	}
	return t.finish()
}

const (
	kindZip     = "zip"
	kindTar     = "tar"
	kindTarGzip = "tar.gz"
	kindEmpty   = "empty"
)

// detect names the kind of archive that begins with start: one of ours, a well-known other one for the message, or "".
func detect(start []byte) string {
	for _, m := range []struct{ magic, kind string }{
		{"PK\x03\x04", kindZip}, {"PK\x05\x06", kindZip}, {"PK\x07\x08", "split zip"},
		{"\x1f\x8b", kindTarGzip},
		{"7z\xbc\xaf\x27\x1c", "7-Zip"}, {"Rar!\x1a\x07", "RAR"}, {"\xfd7zXZ\x00", "xz"}, {"BZh", "bzip2"}, {"\x28\xb5\x2f\xfd", "zstd"},
	} {
		if bytes.HasPrefix(start, []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case len(start) == 0:
		return kindEmpty
	case isTarHeader(start):
		return kindTar
	}
	return ""
}

// isTarHeader verifies the checksum of a tar header block, which old tars without a magic number have too (POSIX
// 1003.1, ustar).
func isTarHeader(b []byte) bool {
	const at, size = 148, 8
	if len(b) < tarBlock {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[at:at+size]), " \x00"), 8, 64)
	if err != nil {
		// A tar without entries is two blocks of zeros.
		return len(bytes.Trim(b, "\x00")) == 0
	}
	var sum int64
	for i, c := range b[:tarBlock] {
		if i >= at && i < at+size {
			c = ' '
		}
		sum += int64(c)
	}
	return sum == want
}
