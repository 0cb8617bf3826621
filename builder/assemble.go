package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/builder/lifecycle"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

const (
	assembleTimeout = time.Hour // the base and its packages over a slow line
	retryAfter      = 30 * time.Second
	retryAtMost     = 10 * time.Minute
)

// prepare makes the images, and tries again for as long as it cannot.
func (b *Builder) prepare(ctx context.Context) {
	for wait := retryAfter; ; wait = min(2*wait, retryAtMost) {
		start := time.Now()
		b.progress.set(Status{Message: "looking for the builder's images"})
		_, err := b.ensure(ctx, nil, func(step, sentence string, percent int) {
			b.progress.set(Status{Step: step, Message: sentence, Percent: percent})
		})
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			b.progress.set(Status{Ready: true, Message: "the builder is ready", Percent: 100})
			b.log.Info("the builder is ready", "dur", time.Since(start))
			b.removeOld(ctx)
			return
		}
		b.log.Error("the builder could not be made", "err", err, "retry", wait)
		b.progress.fail(err)
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-time.After(wait):
		}
	}
}

// ensure returns the images for a set of packages and makes those that are missing, telling about it. It is quick when all are there.
func (b *Builder) ensure(ctx context.Context, set []string, tell teller) (images, error) {
	want, err := b.imagesFor(set)
	if err != nil {
		return images{}, err
	}
	if ok, err := b.complete(ctx, want); ok || err != nil {
		return want, err
	}
	select {
	case b.making <- struct{}{}:
		defer func() { <-b.making }()
	case <-ctx.Done():
		return images{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, assembleTimeout)
	defer cancel()
	if err := b.make(ctx, want, tell); err != nil {
		return images{}, err
	}
	return want, b.remember(want)
}

// complete reports whether nothing is missing. Images can be pruned at any time by whoever runs the server, so it looks.
func (b *Builder) complete(ctx context.Context, want images) (bool, error) {
	for _, ref := range []string{want.builder, want.lifecycle} {
		if ok, err := b.engine.ImageExists(ctx, ref); !ok || err != nil {
			return false, err
		}
	}
	_, err := b.registry.Digest(ctx, runRepository, want.runTag)
	if paas.IsKind(err, paas.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (b *Builder) make(ctx context.Context, want images, tell teller) error {
	if err := lifecycle.Available(); err != nil {
		return err
	}
	if b.self.err != nil {
		return b.self.err
	}
	if err := b.makePair(ctx, want, tell); err != nil {
		return err
	}
	if err := b.publishRun(ctx, want, tell); err != nil {
		return err
	}
	tell("builder", "putting the builder together", 92)
	if err := b.makeLifecycle(ctx, want); err != nil {
		return err
	}
	return b.makeBuilder(ctx, want)
}

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

// derive installs packages in a container of ours and keeps the result. The lists and archives of apt stay outside, and serve the
// next image too.
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
	return &paas.Error{Kind: paas.Unavailable, Msg: "system packages could not be installed: " + paas.Clip(strings.Join(lines, "; "), 300),
		Hint: "is the server online? a mirror can be set for Debian", Err: err}
}

// makeBase imports the tree that debootstrap makes, or made for the installer.
func (b *Builder) makeBase(ctx context.Context, ref string, tell teller) error {
	ok, err := b.engine.ImageExists(ctx, ref)
	if ok || err != nil {
		return err
	}
	tree := b.baseTree
	if _, err := os.Stat(filepath.Join(tree, "etc", "debian_version")); tree == "" || err != nil {
		tree = filepath.Join(b.data, "builder", "base")
		defer func() { _ = os.RemoveAll(tree) }()
		if err := b.bootstrap(ctx, tree, tell); err != nil {
			return err
		}
	}
	tell("base", "importing the base system", 36)
	sources := b.sources(ctx)
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(writeBase(ctx, tree, sources, w)) }() // ends when the import does: it closes r
	defer func() { _ = r.Close() }()
	return b.engine.ImportImage(ctx, ref, r, imageConfig(""))
}

func (b *Builder) bootstrap(ctx context.Context, tree string, tell teller) error {
	if err := os.RemoveAll(tree); err != nil {
		return fmt.Errorf("remove an unfinished base: %w", err)
	}
	m := &lineMeter{tell: tell, step: "base", sentence: "fetching the base system, Debian " + distroVersion, from: 1, to: 36, expect: 330}
	tell(m.step, m.sentence, m.from)
	args := []string{"--variant=minbase", "--arch=" + runtime.GOARCH, "--include=" + strings.Join(baseInclude, ","), suite, tree}
	if b.mirrors.Debian != "" {
		args = append(args, b.mirrors.Debian)
	}
	const scripts = "/usr/share/debootstrap/scripts/"
	if _, err := os.Stat(scripts + suite); err != nil { // an older debootstrap: all of Debian's suites are made alike
		args = append(args[:5], b.mirrors.DebianURL(), scripts+"sid")
	}
	err := run.Run(ctx, run.Cmd{Path: "debootstrap", Args: args, Stdout: m, Stderr: m, Timeout: assembleTimeout, Nice: 5})
	if err == nil || paas.IsKind(err, paas.Unavailable) || ctx.Err() != nil {
		return err
	}
	return &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the base system could not be fetched from %s", b.mirrors.DebianURL()),
		Hint: "is the server online? a mirror can be set for Debian", Err: fmt.Errorf("%w: %s", err, m.tail.String())}
}

// sources is the apt configuration of the images. Security updates have an archive of their own, which a mirror need not have.
func (b *Builder) sources(ctx context.Context) string {
	mirror := b.mirrors.DebianURL()
	s := fmt.Sprintf("deb %s %s main\n", mirror, suite)
	if b.has(ctx, mirror+"/dists/"+suite+"-updates/InRelease") {
		s += fmt.Sprintf("deb %s %s-updates main\n", mirror, suite)
	}
	if security := mirror + "-security"; b.has(ctx, security+"/dists/"+suite+"-security/InRelease") {
		return s + fmt.Sprintf("deb %s %s-security main\n", security, suite)
	}
	b.log.Warn("the mirror has no security updates beside it", "mirror", mirror)
	return s
}

func (b *Builder) has(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// publishRun puts the run image into the registry, where pack and the lifecycle read it.
func (b *Builder) publishRun(ctx context.Context, want images, tell teller) error {
	if _, err := b.registry.Digest(ctx, runRepository, want.runTag); !paas.IsKind(err, paas.NotFound) {
		return err
	}
	m := &lineMeter{tell: tell, step: "publish", sentence: "storing the run image", from: 80, to: 92, expect: 12}
	tell(m.step, m.sentence, m.from)
	ref := b.runRef(want)
	if err := b.engine.TagImage(ctx, want.run, ref); err != nil {
		return err
	}
	return b.registry.Push(ctx, func(auth paas.RegistryAuth) error { return b.engine.PushImage(ctx, ref, auth, m) })
}

func (b *Builder) makeLifecycle(ctx context.Context, want images) error {
	ok, err := b.engine.ImageExists(ctx, want.lifecycle)
	if ok || err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(lifecycle.WriteImage(w, buildUser)) }() // ends when the import does: it closes r
	defer func() { _ = r.Close() }()
	cfg := paas.ImageConfig{Env: []string{"PATH=" + searchPath}, Dir: "/layers",
		Labels: map[string]string{lifecycle.LabelVersion: lifecycle.Version, lifecycle.LabelAPIs: lifecycle.APIs()}}
	return b.engine.ImportImage(ctx, want.lifecycle, r, cfg)
}
