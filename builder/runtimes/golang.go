package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// golang comes from go.dev, or, when that does not answer, from the module proxy as golang.org/toolchain, checked
// against the checksum database.
type golang struct{ c *Cache }

const toolchain = "golang.org/toolchain"

func (g golang) index(ctx context.Context) ([]release, error) {
	if g.c.mirrors.GoDL == fromProxy {
		return g.fromProxy(ctx)
	}
	list, err := g.fromDL(ctx)
	if err != nil && g.c.mirrors.GoDL == "" && errors.Is(err, errUnreachable) {
		g.c.log.Warn("go.dev does not answer: the module proxy's toolchains are used", "err", err)
		return g.fromProxy(ctx)
	}
	return list, err
}

func (g golang) fromDL(ctx context.Context) ([]release, error) {
	var doc []struct {
		Version string `json:"version"`
		Stable  bool   `json:"stable"`
		Files   []struct {
			Filename string `json:"filename"`
			OS       string `json:"os"`
			Arch     string `json:"arch"`
			SHA256   string `json:"sha256"`
			Kind     string `json:"kind"`
		} `json:"files"`
	}
	base := g.c.mirrors.goDL()
	if err := g.c.json(ctx, "the list of Go versions", base+"/?mode=json&include=all", "", &doc); err != nil {
		return nil, err
	}
	var list []release
	for _, d := range doc {
		for _, f := range d.Files {
			if d.Stable && f.OS == "linux" && f.Arch == g.c.arch && f.Kind == "archive" {
				list = append(list, release{
					Version: strings.TrimPrefix(d.Version, "go"),
					URL:     base + "/" + f.Filename,
					Sum:     "sha256:" + f.SHA256,
				})
			}
		}
	}
	return list, nil
}

func (g golang) fromProxy(ctx context.Context) ([]release, error) {
	proxy, err := g.c.goProxy(ctx)
	if err != nil {
		return nil, err
	}
	text, err := g.c.document(ctx, "the list of Go versions", proxy+"/"+toolchain+"/@v/list", "")
	if err != nil {
		return nil, err
	}
	var list []release
	for line := range strings.Lines(string(text)) {
		version, ok := strings.CutPrefix(strings.TrimSpace(line), "v0.0.1-go")
		version, fits := strings.CutSuffix(version, ".linux-"+g.c.arch)
		if ok && fits && !strings.ContainsAny(version, "abcdefghijklmnopqrstuvwxyz-") { // no release candidates
			list = append(list, release{
				Version: version,
				Source:  fromProxy,
				URL:     proxy + "/" + toolchain + "/@v/" + g.module(version) + ".zip",
			})
		}
	}
	return list, nil
}

// module is the toolchain's version as a module.
func (g golang) module(version string) string {
	return fmt.Sprintf("v0.0.1-go%s.linux-%s", version, g.c.arch)
}

func (g golang) install(ctx context.Context, r release, dir string) error {
	what := "Go " + r.Version
	file := filepath.Join(filepath.Dir(dir), "download")
	if r.Source == fromProxy {
		return g.installModule(ctx, r, what, file, dir)
	}
	if err := g.c.download(ctx, what, r.URL, r.Sum, file); err != nil {
		return err
	}
	if err := unpackTarGz(file, dir, keepGo); err != nil {
		return unusable(what, r.URL, err)
	}
	return nil
}

func (g golang) installModule(ctx context.Context, r release, what, file, dir string) error {
	want, err := g.c.moduleSum(ctx, toolchain, g.module(r.Version))
	if err != nil {
		return err
	}
	if err := g.c.save(ctx, what, r.URL, file, io.Discard); err != nil {
		return err
	}
	got, err := dirhash.HashZip(file, dirhash.Hash1)
	if err != nil {
		return unusable(what, r.URL, err)
	}
	if got != want {
		return badChecksum(what, r.URL)
	}
	prefix := toolchain + "@" + g.module(r.Version) + "/"
	err = unpackZip(file, dir, func(name string) string {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			return ""
		}
		return keepGo("go/" + rest)
	})
	if err != nil {
		return unusable(what, r.URL, err)
	}
	return executable(filepath.Join(dir, "bin"), filepath.Join(dir, "pkg", "tool"))
}

// keepGo leaves out what a build never reads.
func keepGo(name string) string {
	name = below(name)
	for _, p := range []string{"api/", "doc/", "test/"} {
		if strings.HasPrefix(name, p) {
			return ""
		}
	}
	return name
}

// executable sets the bits that zip files of modules do not have.
func executable(dirs ...string) error {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			return os.Chmod(path, 0o755)
		})
		if err != nil {
			return fmt.Errorf("make Go's programs executable: %w", err)
		}
	}
	return nil
}
