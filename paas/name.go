package paas

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

const maxNameLength = 40

var (
	validName     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)
	validVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	notNameChar   = regexp.MustCompile(`[^a-z0-9]+`)
)

// reservedNames would collide with hosts of our own below the base domain.
var reservedNames = map[string]bool{"www": true, "git": true, "api": true, "registry": true, "cloudsania": true, "admin": true, "localhost": true}

// CheckName tells whether name can be an app's or project's name: a DNS label (RFC 1123) of at most 40 characters.
func CheckName(name string) error {
	if reservedNames[name] {
		return Invalidf("name", fmt.Sprintf("try %q", name+"-app"), "the name %q is kept for Cloudsania itself", name)
	}
	if validName.MatchString(name) && !strings.Contains(name, "--") {
		return nil
	}
	hint := "use lower-case letters, digits and single hyphens, at most 40"
	if s := SuggestName(name); s != "" {
		hint += fmt.Sprintf("; for instance %q", s)
	}
	return Invalidf("name", hint, "%q cannot be a name", Clip(name, 60))
}

// SuggestName makes the nearest valid name of anything, or "" when nothing is left.
func SuggestName(s string) string {
	s = strings.Trim(notNameChar.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if len(s) > maxNameLength {
		s = strings.Trim(s[:maxNameLength], "-")
	}
	if reservedNames[s] {
		s += "-app"
	}
	return s
}

// SplitName takes "app" or "project/app" apart; project is "" for the short form.
func SplitName(s string) (project, app string) {
	if p, a, ok := strings.Cut(s, "/"); ok {
		return p, a
	}
	return "", s
}

// CheckVariable tells whether name can be an environment variable's (POSIX 8.1, lower case allowed) and is not one we set.
func CheckVariable(name string) error {
	if !validVariable.MatchString(name) {
		return Invalidf("name", "use letters, digits and underscores; the first is not a digit", "%q cannot be a variable's name", Clip(name, 60))
	}
	if name == "PORT" || strings.HasPrefix(name, "CNB_") || strings.HasPrefix(name, "CLOUDSANIA_") {
		return Invalidf("name", "choose another name", "%q is set by Cloudsania", name)
	}
	return nil
}

// Clip shortens s to at most n runes, for messages.
func Clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// publicPrefixes mark the variables that front-end bundlers compile into pages: never secret, needed by the build.
var publicPrefixes = []string{"NEXT_PUBLIC_", "VITE_", "REACT_APP_", "PUBLIC_", "NUXT_PUBLIC_", "GATSBY_", "EXPO_PUBLIC_"}

// IsPublicVariable reports whether a bundler would compile the variable into what visitors download.
func IsPublicVariable(name string) bool {
	for _, p := range publicPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// NameOfArchive makes an app's name of a file's: "My Shop-main.zip" is "my-shop-main".
func NameOfArchive(file string) string {
	for _, ending := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if n := len(file) - len(ending); n > 0 && strings.EqualFold(file[n:], ending) {
			file = file[:n]
			break
		}
	}
	return SuggestName(file)
}

// NameOfRepository makes an app's name of an address: "https://example.com/you/My-Shop.git" is "my-shop".
func NameOfRepository(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return SuggestName(strings.TrimSuffix(path.Base(u.Path), ".git"))
}
