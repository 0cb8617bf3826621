package buildpack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/cloudsania/cloudsania/paas"
)

const maxLockBytes = 32 << 20

// requirements are what "uv pip install" gets of a file that uv does not read.
type requirements struct {
	file    string   // a requirements file that is used as it is, relative to the app; the other fields are empty then
	pinned  []string // complete: installed without looking at what they depend on
	hashed  bool     // every pinned line has hashes
	direct  []string // from repositories, addresses and paths: nothing to check a hash against
	wanted  []string // not nil: what the project names; everything else follows, with versions limited by limits
	limits  []string
	indexes []string // besides PyPI
}

var (
	lockName    = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	lockVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.!+_-]*$`)
	lockHash    = regexp.MustCompile(`^[a-z0-9]+:[0-9a-fA-F]+$`)
	lockExtra   = lockName
)

// pin is one package of a lock file.
type pin struct {
	name, version, marker string
	extras, hashes        []string
}

// add writes the pin as a requirement. All text of the file is checked: a line break would make another line of it.
func (r *requirements) add(p pin) error {
	if !lockName.MatchString(p.name) || !lockVersion.MatchString(p.version) {
		return fmt.Errorf("%q %q is not a package with a version", paas.Clip(p.name, 60), paas.Clip(p.version, 60))
	}
	line := p.name
	if len(p.extras) > 0 {
		for _, e := range p.extras {
			if !lockExtra.MatchString(e) {
				return fmt.Errorf("%q is not an extra of %s", paas.Clip(e, 60), p.name)
			}
		}
		line += "[" + strings.Join(p.extras, ",") + "]"
	}
	line += "==" + p.version
	if p.marker = strings.TrimSpace(p.marker); p.marker != "" {
		if !oneLine(p.marker) {
			return fmt.Errorf("the marker of %s is not one line", p.name)
		}
		line += " ; " + p.marker
	}
	r.hashed = r.hashed || len(r.pinned) == 0
	slices.Sort(p.hashes)
	for _, h := range slices.Compact(p.hashes) {
		if !lockHash.MatchString(h) {
			return fmt.Errorf("%q is not a hash of %s", paas.Clip(h, 60), p.name)
		}
		line += " --hash=" + h
	}
	r.hashed = r.hashed && len(p.hashes) > 0
	r.pinned = append(r.pinned, line)
	return nil
}

// addDirect writes a package that comes from elsewhere than an index: a repository ("git+https://…@commit"), an
// address or a path.
func (r *requirements) addDirect(name, from, marker string) error {
	if !lockName.MatchString(name) || from == "" || !oneLine(from) || strings.ContainsAny(from, " \t") || !oneLine(marker) {
		return fmt.Errorf("the source of %q is not understood", paas.Clip(name, 60))
	}
	line := name + " @ " + from
	if strings.HasPrefix(from, ".") || strings.HasPrefix(from, "/") {
		line = from
	}
	if marker != "" {
		line += " ; " + marker
	}
	r.direct = append(r.direct, line)
	return nil
}

// limit keeps a package at a version without asking for it.
func (r *requirements) limit(name, version string) error {
	if !lockName.MatchString(name) || !lockVersion.MatchString(version) {
		return fmt.Errorf("%q %q is not a package with a version", paas.Clip(name, 60), paas.Clip(version, 60))
	}
	r.limits = append(r.limits, name+"=="+version)
	return nil
}

// addIndex adds a package index other than the public one, which Pipenv and Poetry call "pypi". Secrets in it are
// written as ${NAME}, for a build variable of that name.
func (r *requirements) addIndex(name, url string) {
	if strings.HasPrefix(url, "https://") && !strings.EqualFold(name, "pypi") && oneLine(url) && !slices.Contains(r.indexes, url) {
		r.indexes = append(r.indexes, url)
	}
}

func (r *requirements) sort() {
	for _, l := range [][]string{r.pinned, r.direct, r.wanted, r.limits} {
		slices.Sort(l)
	}
}

func oneLine(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 })
}

var errNoPackages = errors.New("it lists no package in the form that is expected")

// plainText writes a requirements file again as UTF-8 when PowerShell wrote it as UTF-16.
func (p *pythonProject) plainText(b []byte) error {
	text, changed := utf8Text(b)
	if !changed {
		return nil
	}
	if err := os.WriteFile(p.file, text, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", p.Plan.DependencyFile, err)
	}
	return nil
}

func utf8Text(b []byte) (text []byte, changed bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		return b[3:], true
	default:
		return b, false
	}
	var units []uint16
	for b = b[2:]; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return []byte(string(utf16.Decode(units))), true
}
