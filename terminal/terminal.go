// Package terminal makes untrusted text safe to print. Output of programs may hold control sequences that move the
// cursor, set the clipboard or the title, or hide what was written before, and characters that make text read
// otherwise than it is (CVE-2021-42574). Whatever this package returns is valid UTF-8 without any of them.
package terminal

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudsania/cloudsania/paas"
)

// Plain is text of one or several lines without control sequences and control characters; tabs and line feeds stay.
func Plain(text string) string {
	var out strings.Builder
	for p := range Pieces(text) {
		out.WriteString(p.Text)
	}
	return out.String()
}

// Line is one line of text as a terminal would show it in the end, at most maxRunes long: of what carriage returns
// overwrite (progress bars) only the last state stays, tabs become spaces, and nothing of control sequences is
// left.
func Line(text string, maxRunes int) string {
	return paas.Clip(strings.Map(oneLine, Plain(lastState(text))), maxRunes)
}

// ColouredLine is Line with colours: SGR sequences (ECMA-48, 8.3.117) stay and do not count as runes.
func ColouredLine(text string, maxRunes int) string {
	text = lastState(text)
	left := utf8.RuneCountInString(strings.Map(oneLine, Plain(text)))
	if left > maxRunes {
		left = maxRunes - 1 // and an ellipsis
	}
	var out strings.Builder
	for p := range Pieces(text) {
		if p.Text == "" {
			out.WriteString(p.Sequence())
			continue
		}
		for _, r := range strings.Map(oneLine, p.Text) {
			if left == 0 {
				return out.String() + "…"
			}
			left--
			out.WriteRune(r)
		}
	}
	return out.String()
}

// maxLogRunes is how much of a line of a log is shown.
const maxLogRunes = 4000

// LogLine is ColouredLine for a line of a log.
func LogLine(text string) string { return ColouredLine(text, maxLogRunes) }

func oneLine(r rune) rune {
	switch r {
	case '\t':
		return ' '
	case '\n':
		return -1
	}
	return r
}

// lastState is what follows the last carriage return, those at the end of the line aside.
func lastState(text string) string {
	text = strings.TrimRight(text, "\r\n")
	return text[strings.LastIndexByte(text, '\r')+1:]
}

// Piece is a part of a text: either some characters that are safe to show, or a change of colours.
type Piece struct {
	Text   string
	Colour string // parameters of an SGR sequence such as "1;31", "" also for a reset
}

// Sequence is the terminal sequence of a change of colours.
func (p Piece) Sequence() string { return "\x1b[" + p.Colour + "m" }

// Pieces splits text into what is safe to show (with tabs and line feeds) and changes of colours; the rest is left out.
func Pieces(text string) iter.Seq[Piece] {
	return func(yield func(Piece) bool) {
		text := strings.ToValidUTF8(text, "\uFFFD")
		for text != "" {
			if n := strings.IndexFunc(text, unsafe); n != 0 {
				if n < 0 {
					n = len(text)
				}
				if !yield(Piece{Text: text[:n]}) {
					return
				}
				text = text[n:]
				continue
			}
			if text[0] != escape {
				_, n := utf8.DecodeRuneInString(text)
				text = text[n:]
				continue
			}
			n, colour, ok := sequence(text)
			if ok && !yield(Piece{Colour: colour}) {
				return
			}
			text = text[n:]
		}
	}
}

// unsafe tells what must not reach a terminal or a page as it is: control characters (of which some begin
// sequences), line and paragraph separators, and those that turn the direction of reading.
func unsafe(r rune) bool {
	return r != '\t' && r != '\n' && (unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r))
}
