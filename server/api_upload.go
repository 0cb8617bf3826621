package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/upload"
)

const (
	detectTimeout = 2 * time.Minute
	maxFormParts  = 20
)

// isJSON reports whether the body says that it is JSON, or is empty: then it can only mean the defaults.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json" || r.Header.Get("Content-Type") == "" && r.ContentLength == 0
}

func (s *Server) createDeployment(c *Call) error {
	src, err := s.sourceOf(c)
	if err != nil {
		return err
	}
	var dep paas.Deployment
	if src.Kind == paas.SourceConfig {
		dep, err = s.Deployer.Apply(c.Request().Context(), c.Actor(), c.Target)
	} else {
		dep, err = s.Deployer.Deploy(c.Request().Context(), c.Actor(), c.Target, src)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusAccepted, deploymentDTO(dep, c.EnvName, s.Deployer.URL(c.App)))
}

// sourceOf is what the request wants deployed.
func (s *Server) sourceOf(c *Call) (paas.Source, error) {
	if !isJSON(c.Request()) {
		up, err := s.TakeUpload(c)
		return uploadSource(up), err
	}
	c.Request().Body = http.MaxBytesReader(c.Response().Writer, c.Request().Body, defaultBodyBytes)
	var in api.CreateDeployment
	if err := c.decodeOptional(&in); err != nil {
		return paas.Source{}, err
	}
	return s.Source(c, in)
}

// Source finds the source that the members ask for; without any, the one of the app's settings or of its last deployment.
func (s *Server) Source(c *Call, in api.CreateDeployment) (paas.Source, error) {
	said := 0
	for _, yes := range []bool{in.Git != nil, in.Upload != "", in.Deployment != "", in.Configuration} {
		if yes {
			said++
		}
	}
	switch {
	case said > 1:
		return paas.Source{}, paas.Invalidf("git", "give one of git, upload, deployment and configuration", "a deployment has one source")
	case in.Git != nil:
		return externalSource(*in.Git)
	case in.Upload != "":
		up, err := s.Uploads.OwnedBy(c.owner(), in.Upload)
		return uploadSource(up), err
	case in.Deployment != "":
		return s.earlierSource(c, in.Deployment)
	case in.Configuration:
		return paas.Source{Kind: paas.SourceConfig}, nil
	case c.App.Source.URL != "":
		return externalSource(api.AppSource{URL: c.App.Source.URL, Branch: c.App.Source.Branch})
	}
	return s.lastSource(c)
}

func externalSource(git api.AppSource) (paas.Source, error) {
	url := strings.TrimSpace(git.URL)
	if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || len(url) > 2000 || len(git.Branch) > 250 {
		return paas.Source{}, paas.Invalidf("git", "write it like https://github.com/you/repository", "%q is not the address of a public repository", paas.Clip(url, 100))
	}
	return paas.Source{Kind: paas.SourceExternal, URL: url, Branch: git.Branch}, nil
}

func uploadSource(up upload.Upload) paas.Source {
	name := up.Name
	if name == "" {
		name = "an upload"
	}
	return paas.Source{Kind: paas.SourceUpload, Upload: up.ID, Message: name}
}

// owner names the principal as the owner of uploads.
func (c *Call) owner() string { return string(c.Principal.Kind) + ":" + c.Principal.ID }

// earlierSource is the source of an earlier deployment of the same app.
func (s *Server) earlierSource(c *Call, id string) (paas.Source, error) {
	dep, err := s.Store.Deployment(id)
	if paas.IsKind(err, paas.NotFound) || err == nil && dep.App != c.App.ID {
		return paas.Source{}, paas.Invalidf("deployment", "list the app's deployments", "there is no deployment %q of this app", paas.Clip(id, 60))
	}
	if err != nil {
		return paas.Source{}, err
	}
	src := dep.Source
	if src.Build != "" { // a rollback or a change of settings: the code is that of its build
		b, err := s.Store.Build(src.Build)
		if err != nil {
			return src, gone(err)
		}
		src = b.Source
	}
	if src.Kind == paas.SourceUpload {
		if _, err := s.Uploads.Find(src.Upload); err != nil {
			return src, gone(err)
		}
		return src, s.Uploads.Touch(src.Upload)
	}
	return src, nil
}

func gone(err error) error {
	if !paas.IsKind(err, paas.NotFound) {
		return err
	}
	return &paas.Error{Kind: paas.Conflict, Msg: "the code of that deployment is not kept any more", Hint: "upload or push it again", Err: err}
}

// lastSource is what the app was last deployed from.
func (s *Server) lastSource(c *Call) (paas.Source, error) {
	deps, err := s.Store.Deployments(c.Target, 1)
	if err != nil {
		return paas.Source{}, err
	}
	if len(deps) == 0 {
		return paas.Source{}, &paas.Error{Kind: paas.Conflict, Msg: "this app was never deployed, so there is nothing to deploy again", Hint: "push to it, upload an archive, or name a repository"}
	}
	return s.earlierSource(c, deps[0].ID)
}

// TakeUpload streams the archive in the body to disk: the body itself, or the first file of a form.
func (s *Server) TakeUpload(c *Call) (upload.Upload, error) {
	r := c.Request()
	if err := s.Uploads.Room(r.ContentLength); err != nil {
		return upload.Upload{}, err
	}
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
	up, err := s.Uploads.Save(&countedBody{r: body, left: MaxUploadBytes}, name, c.owner())
	if err != nil {
		return up, uploadError(err)
	}
	if up.Size == 0 {
		return up, errors.Join(paas.Invalidf("file", "choose a .zip, .tar or .tar.gz file", "the file is empty"), s.Uploads.Remove(up.ID))
	}
	return up, nil
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

// countedBody is an archive on its way in, with its limit.
type countedBody struct {
	r    io.Reader
	left int64
}

// bodyFailure marks an error of the sender's side, as opposed to one of the disk.
type bodyFailure struct{ err error }

func (b *bodyFailure) Error() string { return "read upload: " + b.err.Error() }
func (b *bodyFailure) Unwrap() error { return b.err }

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(MaxUploadBytes)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyFailure{err}
	}
	return n, err
}

// uploadError explains why an upload did not arrive.
func uploadError(err error) error {
	var sent *bodyFailure
	if errors.As(err, &sent) {
		return bodyError(sent.err)
	}
	return err
}

// detect keeps an upload and says how it would be built.
func (s *Server) detect(c *Call) error {
	up, err := s.TakeUpload(c)
	if err != nil {
		return err
	}
	plan, err := s.Plan(c.Request().Context(), up.ID, paas.BuildSettings{Root: c.QueryParam("root")})
	if err != nil {
		return errors.Join(err, s.Uploads.Remove(up.ID))
	}
	return c.JSON(http.StatusOK, api.Detected{Upload: up.ID, Name: suggestName(up.Name), Size: up.Size, Plan: planDTO(plan), Missing: neededDTO(plan.Missing)})
}

// Plan unpacks a kept upload for as long as detection takes. One at a time: it is disk and processor time before there is an app.
func (s *Server) Plan(ctx context.Context, id string, settings paas.BuildSettings) (plan paas.Plan, err error) {
	ctx, cancel := context.WithTimeout(ctx, detectTimeout)
	defer cancel()
	select {
	case s.detecting <- struct{}{}:
		defer func() { <-s.detecting }()
	case <-ctx.Done():
		return plan, &paas.Error{Kind: paas.Unavailable, Msg: "other uploads are being looked at", Hint: "try again in a minute", Err: ctx.Err()}
	}
	dir, err := s.Uploads.Scratch()
	if err != nil {
		return plan, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := s.Uploads.Copy(ctx, id, dir); err != nil {
		return plan, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return plan, fmt.Errorf("open source: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return s.Detect(root.FS(), settings)
}

// suggestName makes an app's name of a file's: "My Shop-main.zip" is "my-shop-main".
func suggestName(file string) string {
	for _, ending := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if n := len(file) - len(ending); n > 0 && strings.EqualFold(file[n:], ending) {
			file = file[:n]
			break
		}
	}
	return paas.SuggestName(file)
}
