package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/cloudsania/cloudsania/archive"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	uploadLife    = 24 * time.Hour // of one that nothing was made of
	diskReserve   = 512 << 20      // bytes that an upload leaves free
	maxUploadName = 200
)

// Uploads owns <data>/uploads: a directory per upload with the archive as it came and a note about it. Safe for concurrent use.
type Uploads struct{ dir string }

// Upload is a kept archive.
type Upload struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`  // file name as the sender gave it, "" when they gave none
	Owner   string    `json:"owner"` // of whom alone it can be deployed
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
}

// OpenUploads makes the directory when it is missing.
func OpenUploads(dir string) (*Uploads, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open uploads: %w", err)
	}
	return &Uploads{dir: dir}, nil
}

// Dir is the upload's directory. The id must be one of ours: nothing else becomes part of a path.
func (u *Uploads) Dir(id string) (string, error) {
	if !paas.IsID("upl", id) {
		return "", &paas.Error{Kind: paas.NotFound, Field: "upload", Msg: fmt.Sprintf("there is no upload %q", paas.Clip(id, 60)), Hint: "upload it again"}
	}
	return filepath.Join(u.dir, id), nil
}

// Room refuses an upload of that many bytes when the disk could not hold it (NoSpace); size below 0 is unknown.
func (u *Uploads) Room(size int64) error {
	_, free, err := diskOf(u.dir)
	if err != nil {
		return err
	}
	if free < max(size, 0)+diskReserve {
		return diskFull(nil)
	}
	return nil
}

func diskFull(err error) error {
	return &paas.Error{Kind: paas.NoSpace, Msg: "the disk is too full for this upload", Hint: "free some space on the server and try again; apps keep serving", Err: err}
}

// Save streams r to disk and returns when it would survive a crash. On an error, r's own included, nothing is left.
func (u *Uploads) Save(r io.Reader, name, owner string) (up Upload, err error) {
	up = Upload{ID: paas.NewID("upl"), Name: cleanName(name), Owner: owner, Created: time.Now().UTC()}
	dir := filepath.Join(u.dir, up.ID)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return up, ioError("make upload directory", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	if up.Size, err = writeFile(filepath.Join(dir, "archive"), r); err != nil {
		return up, err
	}
	note, err := json.Marshal(up)
	if err != nil {
		return up, fmt.Errorf("encode upload: %w", err)
	}
	if _, err := writeFile(filepath.Join(dir, "note.json"), strings.NewReader(string(note))); err != nil {
		return up, err
	}
	return up, errors.Join(syncDir(dir), syncDir(u.dir))
}

// Find returns the note of a kept upload. NotFound when it is gone.
func (u *Uploads) Find(id string) (Upload, error) {
	dir, err := u.Dir(id)
	if err != nil {
		return Upload{}, err
	}
	b, err := os.ReadFile(filepath.Join(dir, "note.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Upload{}, &paas.Error{Kind: paas.NotFound, Field: "upload", Msg: "this upload is not kept any more", Hint: "upload it again"}
	}
	if err != nil {
		return Upload{}, fmt.Errorf("read upload: %w", err)
	}
	var up Upload
	if err := json.Unmarshal(b, &up); err != nil {
		return up, fmt.Errorf("read upload: %w", err)
	}
	return up, nil
}

// Copy unpacks an upload into dir, which must exist and be empty. Errors of the archive are the sender's: see archive.Unpack.
func (u *Uploads) Copy(ctx context.Context, id, dir string) error {
	up, err := u.Find(id)
	if err != nil {
		return err
	}
	return archive.Unpack(ctx, filepath.Join(u.dir, up.ID, "archive"), dir, archive.Options{})
}

// Scratch is a fresh directory for looking into an upload. The caller removes it; Sweep does after a crash.
func (u *Uploads) Scratch() (string, error) {
	dir := filepath.Join(u.dir, paas.NewID("upl"))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", ioError("make scratch directory", err)
	}
	return dir, nil
}

// Touch keeps an upload for another day.
func (u *Uploads) Touch(id string) error {
	dir, err := u.Dir(id)
	if err != nil {
		return err
	}
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	return nil
}

// Remove forgets an upload. One that is gone is fine.
func (u *Uploads) Remove(id string) error {
	dir, err := u.Dir(id)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove upload: %w", err)
	}
	return nil
}

// Sweep removes uploads that were not touched for a day and are not in use.
func (u *Uploads) Sweep(now time.Time, inUse func() (map[string]bool, error)) error {
	entries, err := os.ReadDir(u.dir)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	var old []string
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && paas.IsID("upl", e.Name()) && now.Sub(info.ModTime()) > uploadLife {
			old = append(old, e.Name())
		}
	}
	if len(old) == 0 {
		return nil
	}
	used, err := inUse()
	if err != nil {
		return err
	}
	for _, id := range old {
		if !used[id] {
			err = errors.Join(err, u.Remove(id))
		}
	}
	return err
}

// writeFile writes all of r and makes it durable. Errors of r come back as they are.
func writeFile(path string, r io.Reader) (n int64, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, ioError("write upload", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n, err = io.Copy(f, r); err != nil {
		return n, ioError("write upload", err)
	}
	if err := f.Sync(); err != nil {
		return n, ioError("write upload", err)
	}
	return n, nil
}

// ioError gives a full disk its own words.
func ioError(doing string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return diskFull(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// cleanName keeps what is safe to show of a file's name. It never becomes part of a path.
func cleanName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	return paas.Clip(name, maxUploadName)
}

// diskOf is the size of the file system that holds path, and what is left of it for us, in bytes.
func diskOf(path string) (total, free int64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, 0, fmt.Errorf("look at the disk: %w", err)
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize, nil
}
