package server

import (
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/upload"
)

const maxFormParts = 20

// IsJSON reports whether the body says that it is JSON, or is empty: then it can only mean the defaults.
func (c *Call) IsJSON() bool {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json" || r.Header.Get("Content-Type") == "" && r.ContentLength == 0
}

// TakeUpload streams the archive in the body to disk: the body itself, or the first file of a form.
func (c *Call) TakeUpload() (upload.Upload, error) {
	r := c.Request()
	name, body := c.QueryParam("filename"), io.Reader(r.Body)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		if body, name, err = formFile(r); err != nil {
			return upload.Upload{}, bodyError(err)
		}
	case err != nil || kind == "application/json" || kind == "application/x-www-form-urlencoded":
		return upload.Upload{}, paas.Invalidf("", "send it as application/octet-stream, or as a file of a form (multipart/form-data)", "the body is not an archive")
	}
	return c.server.Control.Uploads.Take(c.Principal, name, r.ContentLength, &countedBody{r: body, left: MaxUploadBytes})
}

// formFile finds the first file of a form without reading more than that.
func formFile(r *http.Request) (io.Reader, string, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", err
	}
	for range maxFormParts {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", err
		}
		if part.FileName() != "" {
			return part, part.FileName(), nil
		}
	}
	return nil, "", paas.Invalidf("file", "choose a .zip, .tar or .tar.gz file", "there is no file in the form")
}

// countedBody is an archive on its way in, with its limit. Its errors say what went wrong on the sender's side, as opposed to the disk.
type countedBody struct {
	r    io.Reader
	left int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(MaxUploadBytes)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = bodyError(err)
	}
	return n, err
}
