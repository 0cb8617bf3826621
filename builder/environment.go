package builder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

// caVariables make tools trust the host's authorities; several carry their own list and read nothing else.
var caVariables = []string{
	"SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
	"CARGO_HTTP_CAINFO", "COMPOSER_CAFILE",
}

// proxyVariables reach builds as they reach us: a server that needs a proxy needs it there too.
var proxyVariables = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

// environment is what builds get in their environment besides the app's own variables, which win.
func (b *Builder) environment() map[string]string {
	env := map[string]string{}
	if b.caBundle != "" {
		for _, name := range caVariables {
			env[name] = contract.CAFile
		}
	}
	for _, name := range proxyVariables {
		if v := os.Getenv(name); v != "" {
			env[name] = v
		}
	}
	for name, v := range map[string]string{
		"npm_config_registry": b.mirrors.NPM, "YARN_NPM_REGISTRY_SERVER": b.mirrors.NPM, "PIP_INDEX_URL": b.mirrors.PyPI,
		"UV_DEFAULT_INDEX": b.mirrors.PyPI, "GOPROXY": b.mirrors.GoProxy,
	} {
		if v != "" {
			env[name] = v
		}
	}
	return env
}

// prepareMounts writes plan and environment below dir and returns what to mount. A file per variable keeps values out
// of the image, of the builder and of every command line.
func (b *Builder) prepareMounts(dir string, r Request, plan paas.Plan, cache string) ([]string, error) {
	env := filepath.Join(dir, "env")
	if err := os.MkdirAll(env, 0o755); err != nil {
		return nil, fmt.Errorf("make room for the build: %w", err)
	}
	m := contract.Mounts{
		Plan:      filepath.Join(dir, "plan.json"),
		Variables: env,
		Runtimes:  b.runtimes.Dir(),
		Cache:     cache,
		CA:        b.caBundle,
	}
	if err := contract.WritePlan(m.Plan, plan); err != nil {
		return nil, err
	}
	values := b.environment()
	for name, v := range r.Env {
		if err := paas.CheckVariable(name); err != nil { // it becomes a file's name
			return nil, err
		}
		values[name] = v.Reveal()
	}
	for name, v := range values {
		if err := os.WriteFile(filepath.Join(env, name), []byte(v), 0o644); err != nil { // read by the build's user; dir's parent is closed
			return nil, fmt.Errorf("write the build's environment: %w", err)
		}
	}
	return m.Binds()
}

// excluded stays out of the build: version control, and what other machines installed or compiled where it is
// installed anew.
func excluded(plan paas.Plan) []string {
	out := []string{".git", ".hg", ".svn", ".DS_Store"}
	language, _ := paas.LanguageNamed(plan.Language) // one that is unknown excludes nothing
	out = append(out, language.Excluded...)
	if plan.Install != "" {
		out = append(out, language.Installed...)
	}
	return out
}

// touch sets every file's time to now: builds that compare times (cargo, make) would take changed files with old
// times for unchanged.
func touch(dir string) error {
	now := time.Now()
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		return os.Chtimes(file, now, now)
	})
}
