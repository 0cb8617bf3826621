package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
)

const (
	maxProcfileBytes = 64 << 10
	maxProcesses     = 20
	maxCommandLength = 8 << 10
)

// Procfile is what a Procfile says: one "type: command" a line.
type Procfile struct {
	Web     string         // "" when it has none
	Release string         // runs before traffic; "" when it has none
	Workers []paas.Process // the others, by name
}

// Empty reports whether it names nothing.
func (p Procfile) Empty() bool { return p.Web == "" && p.Release == "" && len(p.Workers) == 0 }

var procfileLine = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9_-]{0,62}):(.*)$`)

// ParseProcfile reads a Procfile. Empty lines and lines that begin with # are skipped. Errors are of kind Invalid and
// name the line.
func ParseProcfile(b []byte) (Procfile, error) {
	var p Procfile
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		m := procfileLine.FindStringSubmatch(line)
		if m == nil {
			return Procfile{}, procfileError(i, "is not of the form \"type: command\"", "write for instance: web: node server.js")
		}
		kind, command := strings.ToLower(m[1]), strings.TrimSpace(m[2])
		switch {
		case command == "":
			return Procfile{}, procfileError(i, fmt.Sprintf("has no command for %q", kind), "write the command behind the colon, or remove the line")
		case len(command) > maxCommandLength || strings.ContainsRune(command, 0):
			return Procfile{}, procfileError(i, fmt.Sprintf("has a command for %q that is too long or not text", kind), "put it into a script and start that")
		case seen[kind]:
			return Procfile{}, procfileError(i, fmt.Sprintf("names %q a second time", kind), "give each process a name of its own")
		case len(seen) == maxProcesses:
			return Procfile{}, procfileError(i, fmt.Sprintf("is one process too many: %d is the limit", maxProcesses), "split the app")
		}
		seen[kind] = true
		switch kind {
		case contract.WebProcess:
			p.Web = command
		case contract.ReleaseProcess:
			p.Release = command
		default:
			p.Workers = append(p.Workers, paas.Process{Type: kind, Command: command})
		}
	}
	slices.SortFunc(p.Workers, func(a, b paas.Process) int { return strings.Compare(a.Type, b.Type) })
	return p, nil
}

func procfileError(line int, what, hint string) error {
	return &paas.Error{Kind: paas.Invalid, Msg: fmt.Sprintf("line %d of the Procfile %s", line+1, what), Hint: hint}
}

func (d *detection) readProcfile() error {
	b, err := d.read("Procfile", maxProcfileBytes)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotRegular) {
		return nil
	}
	if err != nil {
		return err
	}
	d.procfile, err = ParseProcfile(b)
	return err
}

// language guesses from the program that web starts.
func (p Procfile) language() string {
	for _, w := range words(p.Web) {
		for _, l := range paas.Languages {
			if slices.Contains(l.Programs, w) {
				return l.Name
			}
		}
	}
	return ""
}
