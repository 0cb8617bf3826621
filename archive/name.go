package archive

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxNameBytes  = 1000 // of a whole path; the kernel's limit is 4096 and a build's own directories come before it
	maxPartBytes  = 255  // NAME_MAX of every Linux file system
	maxDepth      = 64
	maxLinkBytes  = 1000
	shownRunes    = 120 // of a name in a message
	hintMakeAgain = "make the archive again from inside the project's directory"
)

// cleanName checks the path of an entry and returns it slash separated, without "." and doubled slashes; "." is the
// root itself. It refuses what could lead anywhere else: a ".." is refused even where it would stay inside, because no
// honest program writes it.
func cleanName(name string) (string, error) {
	switch {
	case strings.ContainsRune(name, 0):
		return "", refuse(name, hintMakeAgain, "has a NUL byte in its name")
	case !utf8.ValidString(name):
		return "", refuse(name, "rename the file, or make the archive with a program that writes UTF-8 names", "has a name that is not UTF-8")
	case strings.HasPrefix(name, "/"):
		return "", refuse(name, hintMakeAgain, "has an absolute path")
	case len(name) > maxNameBytes:
		return "", refuse(name, "shorten it", "has a path of more than %d bytes", maxNameBytes)
	}
	parts := strings.Split(name, "/")
	if len(parts) > maxDepth {
		return "", refuse(name, "flatten the directories", "is more than %d directories deep", maxDepth)
	}
	for _, p := range parts {
		if p == ".." {
			return "", refuse(name, hintMakeAgain, `leads outside with ".."`)
		}
		if len(p) > maxPartBytes {
			return "", refuse(name, "shorten it", "has a name of more than %d bytes", maxPartBytes)
		}
	}
	return path.Clean(name), nil
}

// checkTarget tells whether a link at name, a clean path, may point to target. Allowed are only targets of the form
// "../../a/b": as many steps up as there are real directories above the link, and none after a name. Since the
// directories above a link are never links themselves (they are made before any link is), such a target stays inside
// whatever other links it passes.
func checkTarget(name, target string) error {
	bad := func(why string) error {
		return refuse(name, "replace it by a copy of what it points to", "is a symbolic link %s", why)
	}
	switch {
	case target == "" || len(target) > maxLinkBytes || strings.ContainsRune(target, 0):
		return bad("without a usable target")
	case strings.HasPrefix(target, "/"):
		return bad("with an absolute path")
	}
	up, down := 0, false
	for _, p := range strings.Split(target, "/") {
		switch {
		case p == "" || p == ".":
		case p != "..":
			down = true
		case down:
			return bad(`with a ".." after a name`)
		default:
			up++
		}
	}
	if up > strings.Count(name, "/") {
		return bad("that leads outside")
	}
	return nil
}

// ignored reports whether a clean path is something that an operating system or version control left behind.
func ignored(name string) bool {
	for p := range strings.SplitSeq(name, "/") {
		if strings.EqualFold(p, ".git") || p == "__MACOSX" || p == ".DS_Store" || strings.HasPrefix(p, "._") {
			return true
		}
	}
	return false
}

// refuse makes the error for one entry: `"a/b" in the archive …`.
func refuse(name, hint, format string, args ...any) *paas.Error {
	return paas.Invalidf("file", hint, `%q in the archive `+format, append([]any{paas.Clip(name, shownRunes)}, args...)...)
}
