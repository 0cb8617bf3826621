package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// makePair makes the run image and the build image, of which the second has all that the first has.
func (b *Builder) makePair(ctx context.Context, want images, tell teller) error {
	var err error
	run, build := step{want.run, want.base, runPackages, "installing what apps run with"},
		step{want.build, want.run, buildPackages, "installing compilers and tools for builds"}
	if len(want.set) == 0 {
		err = b.makeBase(ctx, want.base, tell)
	} else { // a set comes on top of the default pair, whose layers it shares
		var plain images
		if plain, err = b.imagesFor(nil); err == nil {
			err = b.makePair(ctx, plain, tell)
		}
		run, build = step{want.run, plain.run, want.set, "installing the app's system packages"},
			step{want.build, plain.build, want.set, "installing the app's system packages for builds too"}
	}
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.aptDir()) }()
	m := &lineMeter{tell: tell, step: "run", sentence: run.sentence, from: 40, to: 55, expect: 120}
	if err := b.derive(ctx, run, m); err != nil {
		return err
	}
	m = &lineMeter{tell: tell, step: "build", sentence: build.sentence, from: 55, to: 80, expect: 420}
	return b.derive(ctx, build, m)
}

// step is one derived image: ref is from with more packages.
type step struct {
	ref, from string
	packages  []string
	sentence  string
}

func (b *Builder) aptDir() string { return filepath.Join(b.data, "builder", "apt") }

// derive installs packages in a container of ours and keeps the result. The lists and archives of apt stay outside,
// and serve the next image too.
func (b *Builder) derive(ctx context.Context, s step, m *lineMeter) error {
	if ok, err := b.engine.ImageExists(ctx, s.ref); ok || err != nil {
		return err
	}
	m.tell(m.step, m.sentence, m.from)
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(b.aptDir(), d), 0o755); err != nil {
			return fmt.Errorf("make room for packages: %w", err)
		}
	}
	argv := []string{"/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "Dir::State::Lists=/mnt/lists", "-o", "Dir::Cache::Archives=/mnt/archives",
		"-o", "APT::Sandbox::User=root", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Keep-Downloaded-Packages=true"}
	mounts := []string{b.aptDir() + ":/mnt:rw"}
	if b.caBundle != "" {
		mounts = append(mounts, b.caBundle+":/mnt/ca.crt:ro")
		argv = append(argv, "-o", "Acquire::https::CaInfo=/mnt/ca.crt")
	}
	argv = append(append(argv, "--update", "dist-upgrade"), s.packages...)
	cfg := imageConfig(fmt.Sprintf("%d:%d", buildUser, buildUser))
	if err := b.engine.DeriveImage(ctx, s.ref, s.from, argv, cfg, mounts, m); err != nil {
		return explainApt(err, m.tail.String())
	}
	return nil
}

var noPackage = regexp.MustCompile(`E: Unable to locate package (\S+)|E: Package '(\S+)' has no installation candidate`)

func explainApt(err error, output string) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if m := noPackage.FindStringSubmatch(output); m != nil {
		return &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("Debian %s has no package %q", distroVersion, m[1]+m[2]),
			Hint: "look the name up on packages.debian.org", Err: err}
	}
	var lines []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "E: ") || strings.HasPrefix(line, "Err:") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		return err
	}
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  "system packages could not be installed: " + paas.Clip(strings.Join(lines, "; "), 300),
		Hint: "is the server online? a mirror can be set for Debian",
		Err:  err,
	}
}
