// Package upload keeps the archives that people send until something is made of them.
package upload

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
	"time"

	"github.com/cloudsania/cloudsania/archive"
	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

const (
	idPrefix    = "upl"
	archiveFile = "archive"
	noteFile    = "note.json"

	keptFor      = 24 * time.Hour // when nothing was made of it
	reserve      = 512 << 20      // bytes of the disk that an upload leaves free
	maxNameRunes = 200
)

// Dir owns <data>/uploads: a directory per upload with the archive as it came and a note about it. Safe for
// concurrent use.
type Dir struct{ path string }

// Upload is a kept archive.
type Upload struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`  // file name as the sender gave it, "" when they gave none
	Owner   string    `json:"owner"` // of whom alone it can be deployed
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
}

// Open makes the directory when it is missing.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open uploads: %w", err)
	}
	return &Dir{path: path}, nil
}

// Room refuses an upload of that many bytes when the disk could not hold it (NoSpace); size below 0 is unknown.
func (d *Dir) Room(size int64) error {
	_, free, err := disk.Free(d.path)
	if err != nil {
		return err
	}
	if free < max(size, 0)+reserve {
		return full(nil)
	}
	return nil
}

// Save streams r to disk and returns when it would survive a crash. On an error, r's own included, nothing is left.
func (d *Dir) Save(r io.Reader, name, owner string) (up Upload, err error) {
	up = Upload{ID: paas.NewID(idPrefix), Name: cleanName(name), Owner: owner, Created: time.Now().UTC()}
	dir, err := d.make(up.ID)
	if err != nil {
		return up, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	err = disk.Write(filepath.Join(dir, archiveFile), func(w io.Writer) (err error) { up.Size, err = io.Copy(w, r); return err })
	if err != nil {
		return up, explain(err)
	}
	note, err := json.Marshal(up)
	if err != nil {
		return up, fmt.Errorf("encode upload: %w", err)
	}
	if err := disk.WriteFile(filepath.Join(dir, noteFile), note); err != nil {
		return up, explain(err)
	}
	return up, disk.SyncDir(d.path)
}

// Find returns what is known about a kept upload. NotFound when it is gone.
func (d *Dir) Find(id string) (Upload, error) {
	dir, err := d.of(id)
	if err != nil {
		return Upload{}, err
	}
	b, err := os.ReadFile(filepath.Join(dir, noteFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Upload{}, notKept()
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

// OwnedBy is Find for what that owner sent, and keeps it for another day. What others sent is NotFound, like what is
// gone.
func (d *Dir) OwnedBy(owner, id string) (Upload, error) {
	up, err := d.Find(id)
	if err == nil && up.Owner != owner {
		err = notKept()
	}
	if err != nil {
		return Upload{}, err
	}
	return up, d.Touch(id)
}

func notKept() error {
	return &paas.Error{Kind: paas.NotFound, Field: "upload", Msg: "this upload is not kept any more", Hint: "upload it again"}
}

// Copy unpacks an upload into dir, which must exist and be empty. Errors of the archive are the sender's: see
// archive.Unpack.
func (d *Dir) Copy(ctx context.Context, id, dir string) error {
	up, err := d.Find(id)
	if err != nil {
		return err
	}
	return archive.Unpack(ctx, filepath.Join(d.path, up.ID, archiveFile), dir, archive.Options{})
}

// Scratch is a fresh directory for looking into an upload. The caller removes it; Sweep does after a crash.
func (d *Dir) Scratch() (string, error) {
	return d.make(paas.NewID(idPrefix))
}

// Touch keeps an upload for another day.
func (d *Dir) Touch(id string) error {
	dir, err := d.of(id)
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
func (d *Dir) Remove(id string) error {
	dir, err := d.of(id)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove upload: %w", err)
	}
	return nil
}

// Sweep removes uploads that were not touched for a day and are not in use.
func (d *Dir) Sweep(now time.Time, inUse func() (map[string]bool, error)) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("sweep uploads: %w", err)
	}
	var old []string
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && paas.IsID(idPrefix, e.Name()) && now.Sub(info.ModTime()) > keptFor {
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
			err = errors.Join(err, d.Remove(id))
		}
	}
	return err
}

// of is the upload's directory. The id must be one of ours: nothing else becomes part of a path.
func (d *Dir) of(id string) (string, error) {
	if !paas.IsID(idPrefix, id) {
		msg := fmt.Sprintf("there is no upload %q", paas.Clip(id, 60))
		return "", &paas.Error{Kind: paas.NotFound, Field: "upload", Msg: msg, Hint: "upload it again"}
	}
	return filepath.Join(d.path, id), nil
}

// make creates the directory of a new upload.
func (d *Dir) make(id string) (string, error) {
	dir := filepath.Join(d.path, id)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", explain(err)
	}
	return dir, nil
}

// explain says what was being done, and gives a full disk its own words.
func explain(err error) error {
	if disk.IsFull(err) {
		return full(err)
	}
	return fmt.Errorf("keep upload: %w", err)
}

func full(err error) error {
	return &paas.Error{
		Kind: paas.NoSpace,
		Msg:  "the disk is too full for this upload",
		Hint: "free some space on the server and try again; apps keep serving",
		Err:  err,
	}
}

// cleanName keeps what is safe to show of a file's name. It never becomes part of a path.
func cleanName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	return terminal.Line(strings.ToValidUTF8(name, ""), maxNameRunes)
}
