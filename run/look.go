package run

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// searchPath is where programs are looked for and what they get as PATH: never what we were started with.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shells run a line of text as commands, or, as env -S and busybox do, turn one argument into several programs' worth.
var shells = regexp.MustCompile(`^(r?bash|dash|ash|sh|r?zsh|r?ksh|ksh93|mksh|lksh|pdksh|t?csh|fish|yash|rc|es|elvish|nu|pwsh|xonsh|busybox|toybox|env|xargs|script|eval)[0-9.-]*(static)?$`)

// Look finds a program by its bare name in the usual directories and returns its absolute path. A program that is not
// installed is an error of kind Unavailable. Shells are refused.
func Look(name string) (string, error) {
	if name == "" || strings.ContainsRune(name, filepath.Separator) {
		return "", fmt.Errorf("%q is not the bare name of a program", name)
	}
	if err := refuseShell(name); err != nil {
		return "", err
	}
	for _, dir := range filepath.SplitList(searchPath) {
		file := filepath.Join(dir, name)
		if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return file, refuseShell(file)
		}
	}
	return "", &paas.Error{Kind: paas.Unavailable, Msg: fmt.Sprintf("the program %q is not installed", name),
		Hint: fmt.Sprintf("install it, on Debian and Ubuntu with \"apt-get install %s\"", name)}
}

// program turns a Cmd's Path into an absolute one.
func program(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return Look(path)
	}
	return path, refuseShell(path)
}

// refuseShell looks at the name as given and, since /usr/bin/sh is a link and anyone can make another, at the file
// behind it.
func refuseShell(path string) error {
	names := []string{filepath.Base(path)}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		names = append(names, filepath.Base(real))
	}
	for _, n := range names {
		if shells.MatchString(n) {
			return fmt.Errorf("refusing to run %q: it is a shell", path)
		}
	}
	return nil
}
