package buildpack

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// launch collects what the image starts and with which environment.
type launch struct {
	variables []variable
	slices    [][]string // patterns (filepath.Match, relative to the source) of files and whole directories that become layers of their own
}

type variable struct{ name, how, value string }

// process is one of launch.toml's.
type process struct {
	Type    string   `toml:"type"`
	Command []string `toml:"command"`
	Default bool     `toml:"default,omitempty"`
	Dir     string   `toml:"working-dir,omitempty"`
}

// env sets a variable of every process. how is "default" (people's own value wins), "override" or "prepend" (to a
// list with colons).
func (l *launch) env(name, how, value string) {
	l.variables = append(l.variables, variable{name, how, value})
}

// writeEnv writes the variables as a small layer of their own. The files of one list are joined in the order of their
// values.
func (l *launch) writeEnv(layers string) error {
	var parts []string
	for _, v := range l.variables {
		parts = append(parts, v.name, v.how, v.value)
	}
	y := layer{filepath.Join(layers, "env"), keyOf(parts...)}
	if y.kept() {
		return y.reuse()
	}
	if err := y.empty(); err != nil {
		return err
	}
	dir := filepath.Join(y.dir, "env.launch")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the environment's layer: %w", err)
	}
	files := map[string]string{}
	for _, v := range l.variables {
		name := v.name + "." + v.how
		if v.how == "prepend" {
			files[v.name+".delim"] = ":"
			if files[name] != "" {
				v.value = files[name] + ":" + v.value
			}
		}
		files[name] = v.value
	}
	for name, value := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o644); err != nil {
			return fmt.Errorf("writing the environment: %w", err)
		}
	}
	return y.record()
}

// write writes launch.toml.
func (l *launch) write(layers string, processes []process) error {
	type slice struct {
		Paths []string `toml:"paths"`
	}
	var t struct {
		Processes []process `toml:"processes,omitempty"`
		Slices    []slice   `toml:"slices,omitempty"`
	}
	t.Processes = processes
	for _, s := range l.slices {
		t.Slices = append(t.Slices, slice{s})
	}
	return writeTOML(filepath.Join(layers, "launch.toml"), t)
}

var (
	operators   = regexp.MustCompile("[;&|<>()`\n]")
	quoted      = regexp.MustCompile(`'[^']*'|"[^"$` + "`" + `]*"`)
	assignments = regexp.MustCompile(`^(?:[A-Za-z_][A-Za-z0-9_]*=\S*\s+)+`)
	builtins    = map[string]bool{".": true, ":": true, "cd": true, "eval": true, "exec": true, "exit": true, "export": true, "for": true, "if": true,
		"set": true, "shopt": true, "source": true, "time": true, "trap": true, "ulimit": true, "umask": true, "unset": true, "until": true, "wait": true,
		"while": true, "case": true, "{": true, "!": true, "[[": true, "[": true, "test": true, "function": true, "select": true, "builtin": true, "command": true, "declare": true, "local": true, "read": true, "alias": true, "true": true, "false": true}
)

// execCommand makes a command line replace the shell that runs it, so that signals reach the program, where it is a
// single program.
func execCommand(line string) string {
	line = strings.TrimSpace(line)
	if operators.MatchString(quoted.ReplaceAllString(line, "x")) {
		return line // bash itself execs the last one of a list
	}
	set := assignments.FindString(line)
	rest := line[len(set):]
	first, _, _ := strings.Cut(rest, " ")
	if rest == "" || builtins[first] || strings.Contains(first, "=") || strings.ContainsAny(set, "'\"\\") {
		return line
	}
	return set + "exec " + rest
}
