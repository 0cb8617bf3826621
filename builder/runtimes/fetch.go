package runtimes

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxIndexBytes    = 64 << 20
	maxDownloadBytes = 512 << 20
)

// errUnreachable marks a server that did not answer at all, as opposed to one that answered badly: another source may
// then do.
var errUnreachable = errors.New("unreachable")

// document reads a small file; what names it for people.
func (c *Cache) document(ctx context.Context, what, from, accept string) ([]byte, error) {
	body, err := c.get(ctx, what, from, accept)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	b, err := io.ReadAll(io.LimitReader(body, maxIndexBytes+1))
	if err != nil {
		return nil, brokenOff(what, from, err)
	}
	if len(b) > maxIndexBytes {
		return nil, unusable(what, from, fmt.Errorf("more than %d MB", maxIndexBytes>>20))
	}
	return b, nil
}

func (c *Cache) json(ctx context.Context, what, from, accept string, into any) error {
	b, err := c.document(ctx, what, from, accept)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return unusable(what, from, err)
	}
	return nil
}

// download writes a file and checks it against sum: "sha256:<hex>" or "sha512-<base64>".
func (c *Cache) download(ctx context.Context, what, from, sum, to string) error {
	h, want, err := parseSum(sum)
	if err != nil {
		return unusable(what, from, err)
	}
	if err := c.save(ctx, what, from, to, h); err != nil {
		return err
	}
	if string(h.Sum(nil)) != string(want) {
		return badChecksum(what, from)
	}
	return nil
}

// save writes a file that is not verified yet, and what it writes to also.
func (c *Cache) save(ctx context.Context, what, from, to string, also io.Writer) error {
	body, err := c.get(ctx, what, from, "")
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep the download of %s: %w", what, err)
	}
	n, err := io.Copy(io.MultiWriter(f, also), io.LimitReader(body, maxDownloadBytes+1))
	closed := f.Close()
	var onDisk *os.PathError
	switch {
	case errors.As(err, &onDisk):
		return fmt.Errorf("keep the download of %s: %w", what, err)
	case err != nil:
		return brokenOff(what, from, err)
	case closed != nil:
		return fmt.Errorf("keep the download of %s: %w", what, closed)
	case n > maxDownloadBytes:
		return unusable(what, from, fmt.Errorf("more than %d MB", maxDownloadBytes>>20))
	}
	return nil
}

func (c *Cache) get(ctx context.Context, what, from, accept string) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, unusable(what, from, err)
	}
	if accept != "" {
		q.Header.Set("Accept", accept)
	}
	q.Header.Set("User-Agent", "cloudsania")
	resp, err := c.client.Do(q)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("fetch %s: %w", what, ctx.Err())
	}
	if err != nil {
		return nil, &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("%s could not be fetched: %s does not answer", what, host(from)),
			Hint: "is the server online? a mirror can be set instead",
			Err:  fmt.Errorf("%w: %w", errUnreachable, err),
		}
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("%s could not be fetched: %s answered %s", what, host(from), resp.Status),
			Hint: "try again later, or set another mirror",
			Err:  fmt.Errorf("GET %s: %s", from, resp.Status),
		}
	}
	return resp.Body, nil
}

func parseSum(s string) (hash.Hash, []byte, error) {
	if text, ok := strings.CutPrefix(s, "sha256:"); ok {
		want, err := hex.DecodeString(text)
		if err == nil && len(want) == sha256.Size {
			return sha256.New(), want, nil
		}
	}
	if text, ok := strings.CutPrefix(s, "sha512-"); ok {
		want, err := base64.StdEncoding.DecodeString(text)
		if err == nil && len(want) == sha512.Size {
			return sha512.New(), want, nil
		}
	}
	return nil, nil, fmt.Errorf("no usable checksum (%q)", paas.Clip(s, 40))
}

func brokenOff(what, from string, err error) error {
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  fmt.Sprintf("the download of %s from %s broke off", what, host(from)),
		Hint: "try again",
		Err:  err,
	}
}

func unusable(what, from string, err error) error {
	return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("%s sent something else than %s", host(from), what),
		Hint: "if a mirror is set, check its address", Err: fmt.Errorf("%s: %w", from, err)}
}

func badChecksum(what, from string) error {
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  fmt.Sprintf("the download of %s is not what its publisher made: the checksum does not match", what),
		Hint: fmt.Sprintf("try again; if it stays so, %s serves a damaged or altered file", host(from)),
		Err:  fmt.Errorf("checksum of %s", from),
	}
}

func host(u string) string {
	if p, err := url.Parse(u); err == nil && p.Host != "" {
		return p.Host
	}
	return paas.Clip(u, 60)
}
