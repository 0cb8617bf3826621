package runtimes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// node comes from nodejs.org, or, when that does not answer, from the npm registry's package of the same binaries.
type node struct{ c *Cache }

func (n node) index(ctx context.Context) ([]release, error) {
	if n.c.mirrors.Node == fromNPM {
		return n.fromNPM(ctx)
	}
	list, err := n.fromDist(ctx)
	if err != nil && n.c.mirrors.Node == "" && errors.Is(err, errUnreachable) {
		n.c.log.Warn("nodejs.org does not answer: the npm registry's builds of node are used", "err", err)
		return n.fromNPM(ctx)
	}
	return list, err
}

func (n node) fromDist(ctx context.Context) ([]release, error) {
	var doc []struct {
		Version string   `json:"version"`
		Files   []string `json:"files"`
	}
	base := n.c.mirrors.node()
	if err := n.c.json(ctx, "the list of Node.js versions", base+"/index.json", "", &doc); err != nil {
		return nil, err
	}
	var list []release
	for _, d := range doc {
		if slices.Contains(d.Files, "linux-"+n.arch()) {
			list = append(list, release{Version: strings.TrimPrefix(d.Version, "v")})
		}
	}
	return list, nil
}

func (n node) fromNPM(ctx context.Context) ([]release, error) {
	return npmPackage{n.c, "node-linux-" + n.arch()}.index(ctx)
}

func (n node) install(ctx context.Context, r release, dir string) error {
	what := "Node.js " + r.Version
	file := filepath.Join(filepath.Dir(dir), "download")
	if r.Source != fromNPM {
		base := fmt.Sprintf("%s/v%s/", n.c.mirrors.node(), r.Version)
		name := fmt.Sprintf("node-v%s-linux-%s.tar.gz", r.Version, n.arch())
		sums, err := n.c.document(ctx, "the checksums of "+what, base+"SHASUMS256.txt", "")
		if err != nil {
			return err
		}
		r.URL, r.Sum = base+name, sumOf(string(sums), name)
	}
	if err := n.c.download(ctx, what, r.URL, r.Sum, file); err != nil {
		return err
	}
	if err := unpackTarGz(file, dir, keepNode); err != nil {
		return unusable(what, r.URL, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "node")); err != nil {
		return unusable(what, r.URL, err)
	}
	return nil
}

// keepNode leaves documentation out; the headers stay, for modules with C++ code, and npm, which knows its registry.
func keepNode(name string) string {
	name = below(name)
	if name == "bin/node" || strings.HasPrefix(name, "include/") || strings.HasPrefix(name, "lib/node_modules/npm/") {
		return name
	}
	return ""
}

func (n node) arch() string {
	if n.c.arch == "amd64" {
		return "x64"
	}
	return n.c.arch
}

// sumOf finds a file in the output of sha256sum.
func sumOf(sums, name string) string {
	for line := range strings.Lines(sums) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == name {
			return "sha256:" + f[0]
		}
	}
	return ""
}
