package runtimes

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// Mirrors say where downloads come from. An empty field is the publisher's own server, or for a package registry the
// one that its ordinary client uses on this machine; a set one is the only source for its kind.
type Mirrors struct {
	Node    string // like https://nodejs.org/dist; "npm" takes Node from the npm registry's packages
	NPM     string // npm registry; builds use it too
	PyPI    string // simple index of Python packages (PEP 503); builds use it too
	GoDL    string // like https://go.dev/dl; "proxy" takes Go's toolchain from the module proxy
	GoProxy string // Go module proxy; it must pass the checksum database on (/sumdb/); builds use it too
	Python  string // releases of python-build-standalone, as uv's --mirror
	Debian  string // Debian archive: the base image and its packages
}

const (
	fromNPM   = "npm"
	fromProxy = "proxy"
)

func (m Mirrors) node() string { return orDefault(m.Node, "https://nodejs.org/dist") }
func (m Mirrors) goDL() string { return orDefault(m.GoDL, "https://go.dev/dl") }

func orDefault(s, def string) string {
	if s == "" {
		s = def
	}
	return strings.TrimRight(s, "/")
}

// registries caches what the clients said.
type registries struct {
	mu    sync.Mutex
	known map[string]string
}

const askTimeout = 20 * time.Second

// registry is the address of a package registry: the mirror that was chosen, else what the first client that is
// installed says it uses. Its administrator may have configured another one than the public one, and that counts here
// too.
func (c *Cache) registry(ctx context.Context, chosen, name, flag string, clients ...run.Cmd) (string, error) {
	if chosen != "" {
		return strings.TrimRight(chosen, "/"), nil
	}
	c.registries.mu.Lock()
	defer c.registries.mu.Unlock()
	if addr := c.registries.known[name]; addr != "" {
		return addr, nil
	}
	for _, cmd := range clients {
		cmd.Timeout, cmd.MaxOutput = askTimeout, 64<<10
		cmd.Env = append(cmd.Env, "HOME="+homeDir())
		out, err := run.Output(ctx, cmd)
		if err != nil {
			continue // it is not installed
		}
		for _, word := range strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(" ,|\n\t", r) }) {
			if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
				if c.registries.known == nil {
					c.registries.known = map[string]string{}
				}
				c.registries.known[name] = strings.TrimRight(word, "/")
				return c.registries.known[name], nil
			}
		}
	}
	return "", &paas.Error{
		Kind: paas.Unavailable,
		Msg:  "it is not known where the " + name + " is, for no client of it is installed on this server",
		Hint: "start the server with --mirror-" + flag + " and its address",
		Err:  errUnreachable,
	}
}

// npmRegistry asks the npm of this machine, or the one that came with a Node.js from its publisher.
func (c *Cache) npmRegistry(ctx context.Context) (string, error) {
	ask := []string{"config", "get", "registry"}
	clients := []run.Cmd{{Path: "npm", Args: ask}}
	own, _ := filepath.Glob(filepath.Join(c.dir, "node-*", "lib", "node_modules", "npm", "bin", "npm-cli.js")) // the pattern is good
	slices.Reverse(own)
	for _, script := range own {
		node := filepath.Join(strings.TrimSuffix(script, "lib/node_modules/npm/bin/npm-cli.js"), "bin", "node")
		clients = append(clients, run.Cmd{Path: node, Args: append([]string{script}, ask...)})
	}
	return c.registry(ctx, c.mirrors.NPM, "npm registry", "npm", clients...)
}

// pythonIndex asks pip: what it was configured to use, else what is built into it.
func (c *Cache) pythonIndex(ctx context.Context) (string, error) {
	return c.registry(ctx, c.mirrors.PyPI, "Python package index", "pypi",
		run.Cmd{Path: "python3", Args: []string{"-m", "pip", "config", "get", "global.index-url"}},
		run.Cmd{
			Path: "python3",
			Args: []string{"-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"},
		})
}

// goProxy asks the go command.
func (c *Cache) goProxy(ctx context.Context) (string, error) {
	return c.registry(ctx, c.mirrors.GoProxy, "Go module proxy", "goproxy", run.Cmd{
		Path: "go",
		Args: []string{"env", "GOPROXY"},
	},
		run.Cmd{Path: "/usr/local/go/bin/go", Args: []string{"env", "GOPROXY"}})
}

// debootstrap writes its archive's address as a variable at its top.
var archiveOf = regexp.MustCompile(`(?m)^DEF_MIRROR="(https?://[^"]+)"`)

// DebianURL is the archive to take packages from: the chosen mirror, else debootstrap's own default. "" when there is
// neither.
func (m Mirrors) DebianURL() string {
	if m.Debian != "" {
		return strings.TrimRight(m.Debian, "/")
	}
	path, err := run.Look("debootstrap")
	if err != nil {
		return ""
	}
	script, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if found := archiveOf.FindSubmatch(script); found != nil {
		return string(bytes.TrimRight(found[1], "/"))
	}
	return ""
}

func homeDir() string {
	if h, err := os.UserHomeDir(); err == nil {
		return h
	}
	return "/root"
}

// noArchive is what happens without a Debian archive to ask.
func noArchive() error {
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  "it is not known where Debian's packages are, for debootstrap is not installed on this server",
		Hint: fmt.Sprintf("install it: %s; or name a mirror with --mirror-debian", "apt-get install debootstrap"),
	}
}
