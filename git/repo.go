package git

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// Names in Root, and below objects/, of things that are only there while something runs.
const (
	prefixNew      = ".new-"
	prefixGone     = ".gone-"
	prefixClone    = ".clone-"
	prefixIncoming = "incoming-"
)

func newName() string { return strings.ToLower(rand.Text()) }

// repo is a bare repository on the disk.
type repo struct{ dir string }

func (s *Server) path(app string) (string, error) {
	if !paas.IsID("app", app) {
		return "", fmt.Errorf("repository of %q: not an app's id", app)
	}
	return filepath.Join(s.o.Root, app+".git"), nil
}

// repository opens an app's repository and makes it when it is missing.
func (s *Server) repository(app string) (*repo, error) {
	dir, err := s.path(app)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err == nil {
		return &repo{dir}, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	temp := filepath.Join(s.o.Root, prefixNew+newName())
	defer func() { _ = os.RemoveAll(temp) }()
	if err := makeRepo(temp); err != nil {
		return nil, fmt.Errorf("make repository: %w", disk.Full(err))
	}
	// Another request may make it at the same time: then the rename fails, since theirs is not empty, and is as good as
	// ours.
	if err := os.Rename(temp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("make repository: %w", disk.Full(err))
	}
	if err := disk.SyncDir(s.o.Root); err != nil {
		return nil, err
	}
	return &repo{dir}, nil
}

// ownAttributes outrank the .gitattributes of a commit: what is deployed is what is committed, whatever a library's
// author wanted left out of release archives.
const ownAttributes = "* -export-ignore -export-subst\n"

func makeRepo(dir string) error {
	for _, d := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags", "info"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		"HEAD":            "ref: refs/heads/main\n",
		"config":          "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
		"info/attributes": ownAttributes,
	} {
		if err := disk.WriteFile(filepath.Join(dir, name), []byte(text)); err != nil {
			return err
		}
	}
	return disk.SyncDir(dir)
}

// sweep removes what killed processes left below root. It must run before the first push.
func sweep(root string) error {
	for _, pattern := range []string{
		prefixNew + "*", prefixGone + "*", prefixClone + "*",
		"app_*.git/objects/" + prefixIncoming + "*", "app_*.git/objects/pack/tmp_*", "app_*.git/objects/pack/.tmp-*",
		"app_*.git/*.lock", "app_*.git/" + disk.Temporaries,
	} {
		left, err := filepath.Glob(filepath.Join(escapeGlob(root), pattern))
		if err != nil {
			return fmt.Errorf("look for leftovers of pushes: %w", err)
		}
		for _, path := range left {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("remove leftovers of a push: %w", err)
			}
		}
	}
	return nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// environment of every git: no configuration but ours, no prompt, no replacement of objects.
var environment = []string{
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent",
	"GIT_TERMINAL_PROMPT=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C.UTF-8",
}

// settings outrank a repository's own configuration. Objects above bigFileThreshold are streamed instead of held in
// memory and are never searched for deltas: that is what keeps large assets cheap.
var settings = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.bigFileThreshold=8m", "core.deltaBaseCacheLimit=32m", "core.attributesFile=/dev/null",
	"gc.auto=0", "maintenance.auto=false", "receive.autogc=false", "pack.threads=2", "pack.windowMemory=64m", "repack.writeBitmaps=false",
	"transfer.hideRefs=" + strings.TrimSuffix(ownRefs, "/"), "protocol.allow=never", "credential.helper=", "core.askPass=",
}

// command makes a run of git. args begin with its subcommand and hold no untrusted input but hashes and checked names.
func (s *Server) command(args ...string) run.Cmd {
	full := make([]string, 0, 2*len(settings)+len(args))
	for _, kv := range settings {
		full = append(full, "-c", kv)
	}
	return run.Cmd{Path: "git", Args: append(full, args...), Dir: s.o.Root, Env: environment, Nice: 5, Timeout: maxRun}
}

// limits are for runs that work on untrusted input of any size. Others do without: making a cgroup takes time.
func (s *Server) limits() *run.Limits {
	return &run.Limits{Name: "git", MemoryMB: s.o.MemoryMB, PIDs: maxProcesses, CPUWeight: 50}
}

const (
	maxRun       = 2 * time.Hour // of any run of git; the client's speed is bounded by Stall
	maxProcesses = 64
)

// in is command for a repository.
func (s *Server) in(r *repo, args ...string) run.Cmd {
	return s.command(append([]string{"--git-dir=" + r.dir}, args...)...)
}

// repackApp joins the packs that many small pushes leave: the small ones only, so that its cost follows what was
// pushed. Nothing is ever dropped: a commit that no branch holds any more may still be what runs.
func (s *Server) repackApp(ctx context.Context, app string) error {
	dir, err := s.path(app)
	if err != nil {
		return err
	}
	release, err := s.refLocks.Acquire(ctx, app)
	if err != nil {
		return err
	}
	defer release()
	c := s.in(&repo{dir}, "repack", "--geometric=2", "-d", "-q", "-n")
	c.Nice, c.Limits = 15, s.limits()
	return run.Run(ctx, c)
}

// maxPacks is how many packs a repository may have before it is repacked: looking up an object costs a search in each.
const maxPacks = 40

func (r *repo) packs() int {
	found, err := filepath.Glob(filepath.Join(escapeGlob(r.dir), "objects/pack/*.pack"))
	if err != nil {
		return 0
	}
	return len(found)
}
