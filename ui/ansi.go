package ui

import (
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLineRunes bounds one line of output on a page; the downloaded log has all of it.
const maxLineRunes = 2000

// sgrClass maps the foreground colours of ECMA-48's SGR to our palette; the bright ones share it.
var sgrClass = map[string]string{
	"31": "a-r", "32": "a-g", "33": "a-y", "34": "a-b", "35": "a-m", "36": "a-c", "90": "a-d", "30": "a-d", "2": "a-d", "1": "a-w",
	"91": "a-r", "92": "a-g", "93": "a-y", "94": "a-b", "95": "a-m", "96": "a-c",
}

// ansi shows a line of a program's output: colours become classes, every other escape sequence and control character goes, and of
// what carriage returns overwrite (progress bars) only the last stays. Bidirectional controls go too (CVE-2021-42574). The bytes are a stranger's.
func ansi(line string) template.HTML {
	line = strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "\uFFFD")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	var p painter
	for line != "" && p.runes < maxLineRunes {
		if line[0] == 0x1b {
			var colours string
			colours, line = escape(line)
			p.set(colours)
			continue
		}
		r, n := utf8.DecodeRuneInString(line)
		line = line[n:]
		if r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) {
			p.write(r)
		}
	}
	p.close()
	if line != "" {
		p.out.WriteString("…")
	}
	return template.HTML(p.out.String())
}

// painter writes escaped text in spans of one class at a time.
type painter struct {
	out   strings.Builder
	want  string // class for what comes next
	open  string // class of the span that is open
	runes int
}

func (p *painter) set(colours string) {
	if colours == "-" {
		return
	}
	for _, code := range strings.Split(colours, ";") {
		switch {
		case code == "" || code == "0" || code == "39" || code == "22":
			p.want = ""
		case sgrClass[code] != "" && (code != "1" || p.want == ""):
			p.want = sgrClass[code]
		}
	}
}

func (p *painter) write(r rune) {
	if p.open != p.want {
		p.close()
		if p.want != "" {
			p.out.WriteString(`<span class="` + p.want + `">`)
		}
		p.open = p.want
	}
	p.runes++
	p.out.WriteString(template.HTMLEscapeString(string(r)))
}

func (p *painter) close() {
	if p.open != "" {
		p.out.WriteString("</span>")
	}
	p.open = ""
}

// escape takes one escape sequence off the front of s (which begins with ESC). colours are the parameters when it is an SGR
// sequence, "-" otherwise. A sequence that does not end is dropped with the rest of the line.
func escape(s string) (colours, rest string) {
	if len(s) < 2 {
		return "-", ""
	}
	switch s[1] {
	case '[': // CSI: parameters 0x30–0x3f, intermediates 0x20–0x2f, one final byte
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				if s[i] == 'm' {
					return s[2:i], s[i+1:]
				}
				return "-", s[i+1:]
			}
			if s[i] < 0x20 || s[i] > 0x3f {
				return "-", s[i:]
			}
		}
		return "-", ""
	case ']': // OSC, such as a hyperlink or a window title: until BEL or ST
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return "-", s[i+1:]
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return "-", s[i+2:]
			}
		}
		return "-", ""
	}
	_, n := utf8.DecodeRuneInString(s[1:])
	return "-", s[1+n:]
}
