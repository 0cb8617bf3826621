package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// makeBase imports the tree that debootstrap makes, or made for the installer.
func (b *Builder) makeBase(ctx context.Context, ref string, tell teller) error {
	ok, err := b.engine.ImageExists(ctx, ref)
	if ok || err != nil {
		return err
	}
	tree := b.baseTree
	if !complete(tree) {
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

// complete tells whether debootstrap has ended well in tree: it works in a directory there that it then removes.
func complete(tree string) bool {
	if tree == "" {
		return false
	}
	_, whole := os.Stat(filepath.Join(tree, "etc", "debian_version"))
	_, busy := os.Stat(filepath.Join(tree, "debootstrap"))
	return whole == nil && errors.Is(busy, os.ErrNotExist)
}

func (b *Builder) bootstrap(ctx context.Context, tree string, tell teller) error {
	if err := os.RemoveAll(tree); err != nil {
		return fmt.Errorf("remove an unfinished base: %w", err)
	}
	m := &lineMeter{
		tell:     tell,
		step:     "base",
		sentence: "fetching the base system, Debian " + distroVersion,
		from:     1,
		to:       36,
		expect:   330,
	}
	tell(m.step, m.sentence, m.from)
	args := []string{
		"--variant=minbase",
		"--arch=" + runtime.GOARCH,
		"--include=" + strings.Join(baseInclude, ","),
		suite,
		tree,
	}
	if b.mirrors.Debian != "" {
		args = append(args, b.mirrors.Debian)
	}
	const scripts = "/usr/share/debootstrap/scripts/"
	if _, err := os.Stat(scripts + suite); err != nil { // an older debootstrap: all of Debian's suites are made alike
		args = append(args[:5], b.mirrors.DebianURL(), scripts+"sid")
	}
	err := run.Run(ctx, run.Cmd{
		Path:    "debootstrap",
		Args:    args,
		Stdout:  m,
		Stderr:  m,
		Timeout: assembleTimeout,
		Nice:    5,
	})
	if err == nil || paas.IsKind(err, paas.Unavailable) || ctx.Err() != nil {
		return err
	}
	return &paas.Error{
		Kind: paas.Unavailable,
		Msg:  fmt.Sprintf("the base system could not be fetched from %s", b.mirrors.DebianURL()),
		Hint: "is the server online? a mirror can be set for Debian",
		Err:  fmt.Errorf("%w: %s", err, m.tail.String()),
	}
}

// sources is the apt configuration of the images. Security updates have an archive of their own, which a mirror need
// not have.
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
