package ui

import (
	"fmt"
	"io"
	"strings"
)

// LogsPage is what an app writes, live.
type LogsPage struct {
	Shell
	AppFrame
	Lines   []Line
	Sources []string // processes: "web", "worker"
	Source  string   // the chosen one; "" for all
	Static  bool     // nothing runs, so nothing is written
	Limit   int      // lines kept in the window
}

// Lines writes log lines as list items, for sending to a page that is open.
func Lines(w io.Writer, lines []Line) error { return write(w, "lines", lines) }

// LevelOf guesses how bad a line is from the words programs commonly put at its beginning.
func LevelOf(text string) string {
	head := text
	if len(head) > 160 {
		head = head[:160]
	}
	for _, f := range strings.FieldsFunc(strings.ToLower(head), func(r rune) bool { return !(r >= 'a' && r <= 'z') }) {
		switch f {
		case "error", "err", "fatal", "panic", "exception", "traceback", "critical", "fehler":
			return "err"
		case "warn", "warning", "deprecated", "deprecationwarning":
			return "wrn"
		case "info", "debug", "trace", "notice":
			return ""
		}
	}
	return ""
}

// Foot is the line below the window.
func (p LogsPage) Foot() string {
	return fmt.Sprintf("The newest %s lines. Each process keeps its last 30 MB.", number(int64(p.Limit)))
}
