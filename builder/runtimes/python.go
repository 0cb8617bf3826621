package runtimes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// retryPython is how long a Python that could not be downloaded is not tried again: uv waits several seconds each time.
const retryPython = time.Hour

// ensurePython prefers the base image's Python, whose security fixes come with the base: for "3.13.1" it serves when
// it is any 3.13. Others are python-build-standalone's by way of uv, which knows their checksums; when those cannot
// be had, Debian 12's 3.11 serves.
func (c *Cache) ensurePython(ctx context.Context, w paas.Runtime, out io.Writer) (string, error) {
	text := w.Constraint
	if text == "" && c.basePython != "" {
		return c.basePython, nil
	}
	want, err := parseConstraint(anyPatch(text))
	if err != nil {
		return "", badConstraint(w, err)
	}
	if fits(want, c.basePython) {
		return c.basePython, nil
	}
	version, err := c.standalonePython(ctx, w, out)
	if err == nil || ctx.Err() != nil || !fits(want, debianPython) {
		return version, err
	}
	_, _ = fmt.Fprintf(out, "Python %s could not be downloaded; Debian's %s is used\n", text, debianPython)
	c.log.Warn("debian 12's python is used", "constraint", text, "err", err)
	if fallback := c.install(ctx, w.Name, debianPython, out, c.installDebianPython); fallback != nil {
		return "", errors.Join(err, fallback)
	}
	return debianPython, nil
}

func (c *Cache) standalonePython(ctx context.Context, w paas.Runtime, out io.Writer) (string, error) {
	tool, err := c.ensure(ctx, paas.Runtime{Name: paas.ManagerUV}, "", out)
	if err != nil {
		return "", err
	}
	p := python{c: c, uv: filepath.Join(contract.RuntimeDir(c.dir, paas.ManagerUV, tool), "uv")}
	w.Constraint = anyPatch(w.Constraint)
	r, err := c.resolve(ctx, p, w, "")
	if err != nil {
		return "", err
	}
	if err := c.pythons.recent(r.Version); err != nil {
		return "", err
	}
	err = c.install(ctx, w.Name, r.Version, out, func(ctx context.Context, dir string) error { return p.install(ctx, r, dir) })
	if err != nil && ctx.Err() == nil {
		c.pythons.add(r.Version, err)
	}
	return r.Version, err
}

// python is uv as a provider.
type python struct {
	c  *Cache
	uv string
}

func (p python) index(ctx context.Context) ([]release, error) {
	b, err := run.Output(ctx, run.Cmd{Path: p.uv, Env: p.env(), Timeout: time.Minute,
		Args: []string{
			"python", "list", "--only-downloads", "--all-versions", "--offline", "--no-config", "--output-format",
			"json",
		}})
	if err != nil {
		return nil, fmt.Errorf("ask uv for versions of Python: %w", err)
	}
	var doc []struct {
		Version        string `json:"version"`
		Implementation string `json:"implementation"`
		Variant        string `json:"variant"`
		Libc           string `json:"libc"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("ask uv for versions of Python: %w", err)
	}
	var list []release
	for _, d := range doc {
		if d.Implementation == "cpython" && d.Variant == "default" && d.Libc == "gnu" {
			list = append(list, release{Version: d.Version})
		}
	}
	return list, nil
}

func (p python) install(ctx context.Context, r release, dir string) error {
	what := "Python " + r.Version
	tmp := filepath.Dir(dir)
	args := []string{"python", "install", "cpython-" + r.Version + "-linux", "--install-dir", filepath.Join(tmp, "uv"), "--cache-dir", filepath.Join(tmp, "cache"),
		"--no-bin", "--no-progress", "--no-config", "--color", "never"}
	from := "python-build-standalone"
	if m := p.c.mirrors.Python; m != "" {
		args, from = append(args, "--mirror", m), host(m)
	}
	if err := run.Run(ctx, run.Cmd{
		Path:    p.uv,
		Args:    args,
		Env:     append(p.env(), "HOME="+tmp),
		Timeout: downloadTimeout,
	}); err != nil {
		return &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("%s could not be fetched from %s", what, from),
			Hint: fmt.Sprintf("ask for Python %s, which is always there, or set a mirror for Python", minor(p.c.basePython)),
			Err:  err,
		}
	}
	made, err := filepath.Glob(filepath.Join(tmp, "uv", "cpython-"+r.Version+"-linux-*"))
	if err != nil || len(made) != 1 {
		return fmt.Errorf("uv installed %s as %d directories", what, len(made))
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("keep %s: %w", what, err)
	}
	if err := os.Rename(made[0], dir); err != nil {
		return fmt.Errorf("keep %s: %w", what, err)
	}
	_, err = os.Stat(filepath.Join(dir, "bin", "python3"))
	return err
}

// env passes on how the server reaches the internet.
func (p python) env() []string {
	env := []string{"UV_HTTP_RETRIES=1", "UV_HTTP_TIMEOUT=30"}
	if p.c.caBundle != "" {
		env = append(env, "SSL_CERT_FILE="+p.c.caBundle)
	}
	for _, name := range []string{
		"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy",
	} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// pinned finds an exact version with a patch level, and not a bound such as >=3.11.4.
var pinned = regexp.MustCompile(`^\s*(={0,3}|~)\s*(\d+\.\d+)\.\d+\s*$`)

// anyPatch reads "3.12.4" as "3.12": patch levels carry only fixes.
func anyPatch(text string) string {
	if m := pinned.FindStringSubmatch(text); m != nil {
		return "~" + m[2]
	}
	return text
}

func fits(want *semver.Constraints, version string) bool {
	v, err := semver.NewVersion(version)
	return err == nil && want.Check(v)
}

// minor is "3.13" of "3.13.5".
func minor(version string) string {
	p := strings.SplitN(version, ".", 3)
	return strings.Join(p[:min(2, len(p))], ".")
}

// failures caches for a while what could not be had.
type failures struct {
	mu   sync.Mutex
	when map[string]time.Time
	why  map[string]error
}

func (f *failures) add(key string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.when == nil {
		f.when, f.why = map[string]time.Time{}, map[string]error{}
	}
	f.when[key], f.why[key] = time.Now(), err
}

func (f *failures) recent(key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.when[key]) < retryPython {
		return f.why[key]
	}
	return nil
}
