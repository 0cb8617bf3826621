package runtimes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

// debianPython is the one of Debian 12. Its programs find everything relative to themselves and need only libraries
// that the base, Debian 13, has too.
const (
	debianPython  = "3.11.2"
	debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	debianLibs    = "python3.11"
)

var debianPackages = []string{
	"libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal", "python3.11", "libpython3.11-dev",
}

// installDebianPython fetches signed packages with the host's apt, whose own state it leaves alone, and unpacks them
// without installing.
func (c *Cache) installDebianPython(ctx context.Context, dir string) error {
	tmp := filepath.Dir(dir)
	for _, d := range []string{"lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(tmp, d), 0o755); err != nil {
			return fmt.Errorf("make room for debian packages: %w", err)
		}
	}
	if c.mirrors.DebianURL() == "" {
		return noArchive()
	}
	source := fmt.Sprintf("deb [signed-by=%s] %s bookworm main\n", debianKeyring, c.mirrors.DebianURL())
	for name, text := range map[string]string{"sources.list": source, "status": ""} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("make room for debian packages: %w", err)
		}
	}
	if err := c.apt(ctx, tmp, "update"); err != nil {
		return err
	}
	if err := c.apt(ctx, tmp, append([]string{"download"}, debianPackages...)...); err != nil {
		return err
	}
	debs, err := filepath.Glob(filepath.Join(tmp, "debs", "*.deb"))
	if err != nil || len(debs) < len(debianPackages) {
		return fmt.Errorf("apt downloaded %d of %d packages", len(debs), len(debianPackages))
	}
	for _, deb := range debs {
		if err := run.Run(ctx, run.Cmd{
			Path:    "dpkg-deb",
			Args:    []string{"-x", deb, filepath.Join(tmp, "unpacked")},
			Timeout: time.Minute,
		}); err != nil {
			return fmt.Errorf("unpack %s: %w", filepath.Base(deb), err)
		}
	}
	return arrangeDebianPython(filepath.Join(tmp, "unpacked", "usr"), dir)
}

func (c *Cache) apt(ctx context.Context, tmp string, args ...string) error {
	options := []string{"-q", "-y"}
	for _, o := range []string{"Dir::Etc::SourceList=" + tmp + "/sources.list", "Dir::Etc::SourceParts=-", "Dir::State::Lists=" + tmp + "/lists",
		"Dir::State::Status=" + tmp + "/status", "Dir::Cache=" + tmp + "/cache", "APT::Architecture=" + c.arch, "APT::Architectures::=" + c.arch,
		"APT::Sandbox::User=root", "Acquire::Languages=none", "Acquire::Retries=1"} {
		options = append(options, "-o", o)
	}
	err := run.Run(ctx, run.Cmd{
		Path:    "apt-get",
		Args:    append(options, args...),
		Dir:     filepath.Join(tmp, "debs"),
		Timeout: 5 * time.Minute,
	})
	if err != nil {
		return &paas.Error{
			Kind: paas.Unavailable,
			Msg:  fmt.Sprintf("Debian's Python %s could not be fetched from %s", minor(debianPython), host(c.mirrors.DebianURL())),
			Hint: "is the server online? a mirror can be set for Debian",
			Err:  err,
		}
	}
	return nil
}

// arrangeDebianPython moves usr to the runtime's own top, so that it is its prefix, and gives the names that others
// have.
func arrangeDebianPython(usr, dir string) error {
	if err := os.Remove(dir); err != nil {
		return err
	}
	if err := os.Rename(usr, dir); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "share")); err != nil {
		return err
	}
	statics, err := filepath.Glob(filepath.Join(dir, "lib", debianLibs, "config-*", "*.a"))
	if err != nil {
		return err
	}
	for _, s := range statics { // for embedding Python in a program: 60 MB that no app needs
		if err := os.Remove(s); err != nil {
			return err
		}
	}
	for _, name := range []string{"python3", "python"} {
		if err := os.Symlink(debianLibs, filepath.Join(dir, "bin", name)); err != nil {
			return err
		}
	}
	return plainHeader(dir)
}

// plainHeader: Debian's pyconfig.h includes the one of the architecture by a path that only /usr/include has.
func plainHeader(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "include", "*-linux-*", debianLibs, "pyconfig.h"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("%d architectures in debian's python headers", len(found))
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		return err
	}
	if strings.Contains(string(b), "#include <") {
		return fmt.Errorf("debian's pyconfig.h is not what it was")
	}
	return os.WriteFile(filepath.Join(dir, "include", debianLibs, "pyconfig.h"), b, 0o644)
}
