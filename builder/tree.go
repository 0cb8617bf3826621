package builder

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// treeRecipe changes when writeBase would write something else.
const treeRecipe = "1"

// Debian's way of saying "start no services here" and "leave documentation out", and apt without its caches.
const (
	policyRC = "#!/bin/sh\nexit 101\n"
	dpkgConf = `force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
`
	aptConf = `Acquire::Languages "none";
Acquire::Retries "2";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
`
)

// extra is a file that the base has besides debootstrap's.
type extra struct {
	name string
	mode int64
	uid  int
	text string // "" with a name that ends in a slash: a directory
}

func baseExtras(sources string) []extra {
	return []extra{
		{"cloudsania/", 0o755, 0, ""},
		{"cloudsania/cache/", 0o755, buildUser, ""}, // a new volume mounted here takes its owner over
		{"etc/apt/apt.conf.d/90cloudsania", 0o644, 0, aptConf},
		{"etc/apt/sources.list", 0o644, 0, sources},
		{"etc/dpkg/dpkg.cfg.d/90cloudsania", 0o644, 0, dpkgConf},
		{"home/cnb/", 0o755, buildUser, ""},
		{"usr/sbin/policy-rc.d", 0o755, 0, policyRC},
	}
}

// accounts get the user that builds and apps run as.
var accounts = map[string]string{
	"etc/passwd": fmt.Sprintf("cnb:x:%d:%d::/home/cnb:/bin/bash\n", buildUser, buildUser),
	"etc/group":  fmt.Sprintf("cnb:x:%d:\n", buildUser),
	"etc/shadow": "cnb:*:20000:0:99999:7:::\n",
}

// left tells whether a path of the tree stays out: caches, documentation, and what belongs to the machine that made it.
func left(name string, dir bool) bool {
	for _, p := range []string{"dev/", "proc/", "sys/", "run/", "tmp/", "debootstrap/", "var/cache/apt/", "var/lib/apt/lists/", "var/log/", "var/tmp/",
		"usr/share/info/", "usr/share/lintian/", "usr/share/locale/", "usr/share/man/"} {
		if strings.HasPrefix(name, p) {
			return !dir || p == "debootstrap/" || p == "dev/" || strings.HasPrefix(p, "usr/share/")
		}
	}
	if strings.HasPrefix(name, "usr/share/doc/") {
		return !dir && path.Base(name) != "copyright"
	}
	switch name {
	case "etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/lib/dbus/machine-id", "var/cache/ldconfig/aux-cache":
		return true
	}
	return !dir && strings.HasPrefix(name, "var/lib/dpkg/") && strings.HasSuffix(name, "-old")
}

// writeBase writes a tree that debootstrap made as an image's root file system, in a stable order and with stable
// times.
func writeBase(ctx context.Context, tree, sources string, w io.Writer) error {
	tw := tar.NewWriter(w)
	extras := baseExtras(sources)
	replaced := map[string]bool{}
	for _, e := range extras {
		replaced[strings.TrimSuffix(e.name, "/")] = true
	}
	tree, err := filepath.EvalSymlinks(tree) // WalkDir would not follow a link at its root
	if err != nil {
		return fmt.Errorf("find the base system: %w", err)
	}
	err = filepath.WalkDir(tree, func(file string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(tree, file)
		if err != nil || name == "." || replaced[name] {
			return err
		}
		if left(name, d.IsDir()) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		return addFile(tw, file, name, d)
	})
	if err != nil {
		return fmt.Errorf("read the base tree: %w", err)
	}
	for _, e := range extras {
		h := &tar.Header{
			Name:     e.name,
			Mode:     e.mode,
			Uid:      e.uid,
			Gid:      e.uid,
			Size:     int64(len(e.text)),
			ModTime:  baseTime,
			Typeflag: tar.TypeReg,
		}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := tw.WriteHeader(h); err != nil {
			return fmt.Errorf("write the base image: %w", err)
		}
		if _, err := io.WriteString(tw, e.text); err != nil {
			return fmt.Errorf("write the base image: %w", err)
		}
	}
	return tw.Close()
}

var baseTime = time.Date(1980, 1, 1, 0, 0, 1, 0, time.UTC)

func addFile(tw *tar.Writer, file, name string, d fs.DirEntry) error {
	fi, err := d.Info()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() && !fi.IsDir() && fi.Mode()&fs.ModeSymlink == 0 {
		return nil // devices and sockets: the engine makes its own
	}
	target := ""
	if fi.Mode()&fs.ModeSymlink != 0 {
		if target, err = os.Readlink(file); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(fi, target)
	if err != nil {
		return err
	}
	h.Name, h.ModTime, h.AccessTime, h.ChangeTime, h.Uname, h.Gname, h.Format = name, baseTime, time.Time{}, time.Time{}, "", "", tar.FormatPAX
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		h.Uid, h.Gid = int(st.Uid), int(st.Gid)
	}
	if fi.IsDir() {
		h.Name += "/"
	}
	if !fi.Mode().IsRegular() {
		return tw.WriteHeader(h)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	content = append(content, accounts[name]...)
	h.Size = int64(len(content))
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = tw.Write(content)
	return err
}
