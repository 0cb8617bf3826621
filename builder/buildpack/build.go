package buildpack

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// options are where a build finds its things. All paths are absolute.
type options struct {
	Plan                            paas.Plan
	Source, Layers, Runtimes, Cache string
	CacheBytes                      int64    // that the cache may have; 0: any number
	Env                             []string // of the lifecycle, with the build's variables
	Out                             io.Writer
}

// build is one run of bin/build.
type build struct {
	options
	app    string // directory of the source where commands run
	tools  string // our shims, first on the commands' PATH
	path   []string
	env    []string // of commands
	before []string // directories that held a site before the build
	launch launch
}

// open prepares the directories. A cache that cannot be written is replaced by a temporary one: slower, but it builds.
func open(o options) (*build, error) {
	if o.Layers == "" {
		return nil, fmt.Errorf("the lifecycle did not say where layers go (CNB_LAYERS_DIR)")
	}
	b := &build{options: o, app: filepath.Join(o.Source, filepath.FromSlash(o.Plan.Root))}
	if info, err := os.Stat(b.app); err != nil || !info.IsDir() {
		return nil, &paas.Error{
			Kind: paas.Invalid,
			Msg:  fmt.Sprintf("the source has no directory %q", o.Plan.Root),
			Hint: "correct the root directory in the app's settings",
		}
	}
	tools, err := os.MkdirTemp("", "cloudsania-tools-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for tools: %w", err)
	}
	b.tools = tools
	if err := os.MkdirAll(b.cached("home"), 0o755); err != nil {
		if b.Cache, err = os.MkdirTemp("", "cloudsania-cache-"); err != nil {
			return nil, fmt.Errorf("making a cache directory: %w", err)
		}
		b.say("the cache volume cannot be written, so this build starts from nothing")
		if err := os.MkdirAll(b.cached("home"), 0o755); err != nil {
			return nil, fmt.Errorf("making a home directory: %w", err)
		}
	}
	if err := b.limitCache(time.Now()); err != nil {
		b.say("%v", err) // a build with a large cache is better than none
	}
	b.env = b.environment()
	b.path = []string{tools}
	b.before = b.sites()
	return b, nil
}

// environment is what commands see: what the platform and the build's variables give, without the lifecycle's own.
func (b *build) environment() []string {
	var env []string
	for _, kv := range b.Env {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "CNB_") && !strings.HasPrefix(name, "CLOUDSANIA_") && name != "HOME" && name != "PATH" && name != "PWD" {
			env = append(env, kv)
		}
	}
	return append(env, "HOME="+b.cached("home"), "CI=1", "NO_COLOR=1", "LANG=C.UTF-8")
}

// languages build the sources of each of paas.Languages.
var languages = map[string]func(*build, context.Context) error{
	paas.LanguageNode:     (*build).node,
	paas.LanguagePython:   (*build).python,
	paas.LanguagePHP:      (*build).php,
	paas.LanguageGo:       (*build).golang,
	paas.LanguageStatic:   (*build).generic,
	paas.LanguageProcfile: (*build).generic,
}

// generic runs what the settings say and knows no language.
func (b *build) generic(ctx context.Context) error { return b.buildCommand(ctx) }

func (b *build) run(ctx context.Context) error {
	defer func() { _ = os.RemoveAll(b.tools) }()
	language, ok := languages[b.Plan.Language]
	if !ok {
		return fmt.Errorf("no build for the language %q", b.Plan.Language)
	}
	if err := language(b, ctx); err != nil {
		return err
	}
	if b.Plan.Static != nil {
		if err := b.keepSite(); err != nil {
			return err
		}
		return b.launch.write(b.Layers, nil)
	}
	return b.finish()
}

// finish writes what every image that runs has: its processes and their environment.
func (b *build) finish() error {
	b.launch.env("PORT", "default", "8080")
	if err := b.launch.writeEnv(b.Layers); err != nil {
		return err
	}
	return b.launch.write(b.Layers, b.processes())
}

// processes are the plan's, and the release command as a process of its own type, so that it is started like the
// others.
func (b *build) processes() []process {
	var out []process
	all := slices.Clone(b.Plan.Processes)
	if b.Plan.Release != "" {
		all = append(all, paas.Process{Type: contract.ReleaseProcess, Command: b.Plan.Release})
	}
	for _, p := range all {
		command := b.expandScript(p.Command)
		q := process{
			Type:    p.Type,
			Command: []string{"bash", "-c", execCommand(command)},
			Default: p.Type == contract.WebProcess,
		}
		if b.Plan.Root != "" {
			q.Dir = b.app
		}
		out = append(out, q)
	}
	return out
}

// runtime is the directory of a mounted runtime.
func (b *build) runtime(name string) (dir, version string, ok bool) {
	for _, r := range b.Plan.Runtimes {
		if r.Name != name || r.Version == "" {
			continue
		}
		dir = contract.RuntimeDir(b.Runtimes, name, r.Version)
		if _, err := os.Stat(dir); err == nil {
			return dir, r.Version, true
		}
		return "", r.Version, false
	}
	return "", "", false
}

// needRuntime is runtime for what a build cannot do without.
func (b *build) needRuntime(name string) (dir, version string, err error) {
	dir, version, ok := b.runtime(name)
	if !ok {
		return "", "", fmt.Errorf("the runtime %s %s is not mounted in %s", name, version, b.Runtimes)
	}
	return dir, version, nil
}

func (b *build) cached(name string) string { return filepath.Join(b.Cache, name) }

func (b *build) say(format string, args ...any) { _, _ = fmt.Fprintf(b.Out, format+"\n", args...) }

// warn tells people what the build does differently than their source asks.
func (b *build) warn(message, hint string) {
	_ = contract.Record{Kind: contract.Warning, Message: message, Hint: hint}.Write(b.Out) // like the rest of the output: not the build's concern
}
