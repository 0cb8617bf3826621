package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// quarantine is an object directory of one push, inside the repository's and with access to it, that nothing else
// reads. What is in it becomes part of the repository by migrate, or is gone.
type quarantine struct {
	s    *Server
	repo *repo
	dir  string
}

func (s *Server) quarantine(r *repo) (*quarantine, error) {
	q := &quarantine{s: s, repo: r, dir: filepath.Join(r.dir, "objects", prefixIncoming+newName())}
	for _, d := range []string{"pack", "info"} {
		if err := os.MkdirAll(filepath.Join(q.dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("make quarantine: %w", disk.Full(err))
		}
	}
	// The file takes any path; the environment variable of the same purpose would take one with a colon for two.
	if err := os.WriteFile(filepath.Join(q.dir, "info", "alternates"), []byte(filepath.Join(r.dir, "objects")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("make quarantine: %w", disk.Full(errors.Join(err, q.remove())))
	}
	return q, nil
}

func (q *quarantine) remove() error { return os.RemoveAll(q.dir) }

// command is a run of git that sees the repository with what was pushed.
func (q *quarantine) command(args ...string) run.Cmd {
	c := q.s.in(q.repo, args...)
	c.Env = append(c.Env[:len(c.Env):len(c.Env)], "GIT_OBJECT_DIRECTORY="+q.dir)
	return c
}

// lenient are faults that tools of the past put into many honest histories and that do no harm; Gitaly lets the same
// ones pass. All others, such as a path named .git or a submodule whose address is an option, are refused.
const lenient = "badTimezone=ignore,missingSpaceBeforeDate=ignore,zeroPaddedFilemode=ignore"

// receive takes the pack that b holds from here to its end. Objects are checked one by one and for their links.
func (q *quarantine) receive(ctx context.Context, b *body, maxBytes int64, shallow bool) error {
	c := q.command("index-pack", "--stdin", "--fix-thin", "--strict="+lenient, fmt.Sprintf("--max-input-size=%d", maxBytes))
	c.Stdin, c.Limits = b, q.s.limits()
	err := run.Run(ctx, c)
	if err == nil {
		err = b.finish()
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case b.broken() != nil:
		return &paas.Error{Kind: paas.Invalid, Msg: "the push was cut off",
			Hint: "try again; nothing was changed", Err: b.broken()}
	case b.tooLong(), strings.Contains(err.Error(), "maximum allowed size"):
		return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("the push is larger than %d MB", maxBytes>>20), Err: err,
			Hint: "do not commit dependencies, builds and media; to remove a large file from history see \"git filter-repo\""}
	}
	return q.explain(err, shallow)
}

// fsckFault is how index-pack names a broken object.
var fsckFault = regexp.MustCompile(`(?m)^(?:error|fatal): (?:object )?([0-9a-f]{40}): (.*)$`)

func (q *quarantine) explain(err error, shallow bool) error {
	var exit *run.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("receive pack: %w", disk.Full(err))
	}
	if exit.OOM {
		return &paas.Error{Kind: paas.TooLarge, Msg: fmt.Sprintf("unpacking the push needed more than %d MB of memory", q.s.o.MemoryMB),
			Hint: "push in smaller steps, or keep large files outside of the repository", Err: err}
	}
	text := exit.Stderr
	switch m := fsckFault.FindStringSubmatch(text); {
	case disk.IsFull(err):
		return fmt.Errorf("receive pack: %w", disk.Full(err))
	case shallow:
		return &paas.Error{Kind: paas.Invalid, Msg: "the push comes from a shallow clone, whose history is incomplete",
			Hint: `run "git fetch --unshallow" first; in GitHub Actions set "fetch-depth: 0"`, Err: err}
	case m != nil:
		return &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("the object %s is broken: %s", m[1][:7], m[2]),
			Hint: `"git fsck" shows such objects; rewrite the commits that hold them`, Err: err}
	case exit.Signal != 0:
		return &paas.Error{Kind: paas.Unavailable, Msg: "the push was stopped on the server",
			Hint: "try again; nothing was changed", Err: err}
	}
	return &paas.Error{Kind: paas.Invalid, Msg: "the pack is damaged",
		Hint: `try again; if that does not help, run "git fsck" in your repository`, Err: err}
}

// types looks up what the hashes are.
func (q *quarantine) types(ctx context.Context, hashes []plumbing.Hash) (objectTypes, error) {
	types := make(objectTypes, len(hashes))
	if len(hashes) == 0 {
		return types, nil
	}
	var in bytes.Buffer
	for _, h := range hashes {
		fmt.Fprintf(&in, "%s\n%s^{}\n", h, h)
	}
	c := q.command("cat-file", "--batch-check=%(objecttype)")
	c.Stdin = &in
	out, err := run.Output(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("look at pushed objects: %w", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 2*len(hashes) {
		return nil, fmt.Errorf("look at pushed objects: %d answers to %d questions", len(lines), 2*len(hashes))
	}
	for i, h := range hashes {
		if own := lines[2*i]; !strings.HasSuffix(own, " missing") {
			t := types[h]
			t.own, t.peeled = own, lines[2*i+1]
			types[h] = t
		}
	}
	return types, nil
}

// connected makes sure that all that the hashes lead to is there. Objects are never dropped from a repository, so that
// the answer stays true whatever other pushes do meanwhile.
func (q *quarantine) connected(ctx context.Context, hashes []plumbing.Hash, shallow bool) error {
	if len(hashes) == 0 {
		return nil
	}
	var in bytes.Buffer
	for _, h := range hashes {
		fmt.Fprintf(&in, "%s\n", h)
	}
	c := q.command("rev-list", "--objects", "--stdin", "--not", "--all", "--quiet")
	c.Stdin, c.Stdout, c.Limits = &in, io.Discard, q.s.limits()
	err := run.Run(ctx, c)
	var exit *run.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case !errors.As(err, &exit) || exit.Signal != 0 || exit.OOM:
		return q.explain(err, shallow)
	case shallow:
		return q.explain(err, true)
	}
	return &paas.Error{Kind: paas.Invalid, Msg: "the push lacks objects that its commits need",
		Hint: `run "git fsck" in your repository, then push again`, Err: err}
}

// migrate makes what was received part of the repository, durably. An index comes after its pack: it is what makes a
// pack visible.
func (q *quarantine) migrate() error {
	from, to := filepath.Join(q.dir, "pack"), filepath.Join(q.repo.dir, "objects", "pack")
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("store pack: %w", err)
	}
	isIndex := func(e os.DirEntry) int {
		if strings.HasSuffix(e.Name(), ".idx") {
			return 1
		}
		return 0
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return isIndex(a) - isIndex(b) })
	for _, e := range entries {
		path := filepath.Join(from, e.Name())
		if err := disk.Sync(path); err != nil {
			return fmt.Errorf("store pack: %w", disk.Full(err))
		}
		// A pack is named after its content: one that is there already is the same, and in use.
		if err := os.Link(path, filepath.Join(to, e.Name())); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("store pack: %w", disk.Full(err))
		}
	}
	return disk.SyncDir(to)
}
