package builder

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/buildpacks/pack/pkg/logging"

	"github.com/cloudsania/cloudsania/builder/contract"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

const (
	maxLineBytes = 8 << 10
	maxLogBytes  = 16 << 20
	keptLines    = 40
	maxWarnings  = 20
)

// buildLog is pack's logger. It passes on what the user's own build prints, as clean lines, keeps the lifecycle's
// talk for errors, and finds the buildpack's records.
type buildLog struct {
	mu      sync.Mutex
	out     io.Writer
	written int
	part    []byte
	swallow bool     // the rest of a line that was too long
	lines   []string // the last ones that were not passed on

	failure  *contract.Record
	warnings []string
}

func newBuildLog(out io.Writer) *buildLog { return &buildLog{out: out} }

// Write takes pack's output, in which every line of a container begins with its phase in brackets.
func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if !l.swallow {
			l.part = append(l.part, line...)
		}
		if len(l.part) > maxLineBytes {
			l.part, l.swallow = l.part[:maxLineBytes], true
		}
		if ended {
			l.line(string(l.part))
			l.part, l.swallow = l.part[:0], false
		}
	}
	return len(p), nil
}

// phaseLine is a line as pack prefixes it: it colours the phase within the brackets.
var phaseLine = regexp.MustCompile(
	`^(?:\x1b\[[0-9;]*m)*\[(?:\x1b\[[0-9;]*m)*([a-z ()]+)(?:\x1b\[[0-9;]*m)*\](?:\x1b\[[0-9;]*m)* ?((?s).*)$`)

func (l *buildLog) line(raw string) {
	if m := phaseLine.FindStringSubmatch(raw); m != nil {
		l.output(m[1], m[2])
		return
	}
	text := plainLine(raw)
	if strings.HasPrefix(text, "===> EXPORTING") {
		l.say("storing the image")
		return
	}
	l.keep(text)
}

// output takes what a phase printed. Of "builder" that is what the buildpack and the user's commands say: its colours
// stay.
func (l *buildLog) output(phase, raw string) {
	text := plainLine(raw)
	r, isRecord := contract.ParseRecord(text)
	switch {
	case isRecord:
		l.record(r)
	case phase != "builder":
		l.keep("[" + phase + "] " + text)
	case strings.HasPrefix(text, "ERROR: failed to build"):
		l.keep(text) // the lifecycle's last word, which says nothing
	default:
		l.say(strings.TrimRight(terminal.ColouredLine(raw, maxLineBytes), " "))
	}
}

// plainLine is a line for people and for rules: without colours, and without spaces at its end.
func plainLine(raw string) string { return strings.TrimRight(terminal.Line(raw, maxLineBytes), " ") }

func (l *buildLog) record(r contract.Record) {
	if r.Kind == contract.Failure {
		l.failure = &r
		return
	}
	text := r.Message
	if r.Hint != "" {
		text += "; " + r.Hint
	}
	text = plainLine(strings.ReplaceAll(text, "\n", " "))
	l.say("warning: " + text)
	if len(l.warnings) < maxWarnings {
		l.warnings = append(l.warnings, text)
	}
}

// say passes a line on until there were too many.
func (l *buildLog) say(text string) {
	if l.written > maxLogBytes {
		return
	}
	if l.written += len(text) + 1; l.written > maxLogBytes {
		text = fmt.Sprintf("the output is longer than %d MB; the rest is not kept", maxLogBytes>>20)
	}
	_, _ = io.WriteString(l.out, text+"\n") // a log without a reader must not stop the build
}

func (l *buildLog) keep(text string) {
	if text == "" {
		return
	}
	if len(l.lines) == keptLines {
		l.lines = l.lines[:copy(l.lines, l.lines[1:])]
	}
	l.lines = append(l.lines, text)
}

// explanation is why the build failed by its own account, nil when it gave none.
func (l *buildLog) explanation() *paas.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		return nil
	}
	return &paas.Error{Kind: paas.Failed, Msg: l.failure.Message, Hint: l.failure.Hint}
}

// warned is what the build warned of.
func (l *buildLog) warned() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.warnings)
}

// text is what was kept for errors.
func (l *buildLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func (l *buildLog) lastLine() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return ""
	}
	return l.lines[len(l.lines)-1]
}

// The rest makes it a logging.Logger.

func (l *buildLog) Debug(string)                   {}
func (l *buildLog) Debugf(string, ...any)          {}
func (l *buildLog) Info(msg string)                { l.message(msg) }
func (l *buildLog) Infof(format string, a ...any)  { l.message(fmt.Sprintf(format, a...)) }
func (l *buildLog) Warn(msg string)                { l.message(msg) }
func (l *buildLog) Warnf(format string, a ...any)  { l.message(fmt.Sprintf(format, a...)) }
func (l *buildLog) Error(msg string)               { l.message(msg) }
func (l *buildLog) Errorf(format string, a ...any) { l.message(fmt.Sprintf(format, a...)) }
func (l *buildLog) Writer() io.Writer              { return l }
func (l *buildLog) IsVerbose() bool                { return false }
func (l *buildLog) WriterForLevel(lv logging.Level) io.Writer {
	if lv == logging.DebugLevel {
		return io.Discard
	}
	return l
}

func (l *buildLog) message(msg string) { _, _ = l.Write([]byte(strings.TrimRight(msg, "\n") + "\n")) }
