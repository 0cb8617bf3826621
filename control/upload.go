package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/upload"
)

const lookTimeout = 2 * time.Minute // for unpacking an upload and looking at it, waiting for another included

// uploads keeps archives.
type uploads interface {
	Room(size int64) error
	Save(r io.Reader, name, owner string) (upload.Upload, error)
	Find(id string) (upload.Upload, error)
	Touch(id string) error
	Remove(id string) error
	Scratch() (string, error)
	Copy(ctx context.Context, id, dir string) error
}

// owner names a principal as the owner of uploads.
func owner(by access.Principal) string { return string(by.Kind) + ":" + by.ID }

// Uploads is what can be done with archives that were sent.
type Uploads struct{ control *Control }

// Take keeps an archive for its sender, for a day unless something is made of it. size is what is announced, below 0 when unknown.
// NoSpace when the disk could not hold it. Errors of r come back as they are.
func (us Uploads) Take(by access.Principal, name string, size int64, r io.Reader) (upload.Upload, error) {
	if err := access.Authorize(by, access.SourceDetect, access.Resource{}); err != nil {
		return upload.Upload{}, err
	}
	if err := us.control.uploads.Room(size); err != nil {
		return upload.Upload{}, err
	}
	up, err := us.control.uploads.Save(r, name, owner(by))
	if err == nil && up.Size == 0 {
		err = errors.Join(paas.Invalidf("file", "choose a .zip, .tar or .tar.gz file", "the file is empty"), us.control.uploads.Remove(up.ID))
	}
	return up, err
}

// Own finds a kept upload of the same principal: nobody deploys what another one sent. It is kept for another day.
func (us Uploads) Own(by access.Principal, id string) (upload.Upload, error) {
	up, err := us.control.uploads.Find(id)
	if err == nil && up.Owner != owner(by) {
		err = &paas.Error{Kind: paas.NotFound, Field: "upload", Msg: "this upload is not kept any more", Hint: "upload it again"}
	}
	if err != nil {
		return upload.Upload{}, err
	}
	return up, us.control.uploads.Touch(id)
}

func uploaded(up upload.Upload) paas.Source {
	name := up.Name
	if name == "" {
		name = "an upload"
	}
	return paas.Source{Kind: paas.SourceUpload, Upload: up.ID, Message: name}
}

// Look says how a kept upload would be built. It is unpacked for as long as that takes, one at a time: disk and processor time before there
// is an app.
func (us Uploads) Look(ctx context.Context, by access.Principal, id string, settings paas.BuildSettings) (plan paas.Plan, err error) {
	if err := settings.Validate(); err != nil {
		return plan, err
	}
	up, err := us.Own(by, id)
	if err != nil {
		return plan, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	select {
	case us.control.looking <- struct{}{}:
		defer func() { <-us.control.looking }()
	case <-ctx.Done():
		return plan, &paas.Error{Kind: paas.Unavailable, Msg: "other uploads are being looked at", Hint: "try again in a minute", Err: ctx.Err()}
	}
	dir, err := us.control.uploads.Scratch()
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := us.control.uploads.Copy(ctx, up.ID, dir); err != nil {
		return plan, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return plan, fmt.Errorf("open source: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return us.control.detect(root.FS(), settings)
}

// Drop forgets a kept upload of the same principal.
func (us Uploads) Drop(by access.Principal, id string) error {
	up, err := us.Own(by, id)
	if paas.IsKind(err, paas.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return us.control.uploads.Remove(up.ID)
}

// InUse are the uploads that a build was made of or a deployment waits for.
func (us Uploads) InUse() (map[string]bool, error) {
	used := map[string]bool{}
	open, err := us.control.store.Unfinished()
	if err != nil {
		return nil, err
	}
	for _, d := range open {
		used[d.Source.Upload] = true
	}
	apps, err := us.control.store.Apps()
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		builds, err := us.control.store.Builds(a.ID)
		if err != nil {
			return nil, err
		}
		for _, b := range builds {
			used[b.Source.Upload] = true
		}
	}
	return used, nil
}
