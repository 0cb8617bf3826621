package ui

import (
	"html/template"
	"strings"

	"github.com/cloudsania/cloudsania/terminal"
)

// maxLineRunes bounds one line of output on a page; the downloaded log has all of it.
const maxLineRunes = 2000

// sgrClass maps the foreground colours of ECMA-48's SGR to our palette; the bright ones share it.
var sgrClass = map[string]string{
	"31": "a-r", "32": "a-g", "33": "a-y", "34": "a-b", "35": "a-m", "36": "a-c", "90": "a-d", "30": "a-d", "2": "a-d", "1": "a-w",
	"91": "a-r", "92": "a-g", "93": "a-y", "94": "a-b", "95": "a-m", "96": "a-c",
}

// ansi shows a line of a program's output: colours become classes, the rest of what package terminal finds unsafe goes.
func ansi(line string) template.HTML {
	var p painter
	for piece := range terminal.Pieces(terminal.ColouredLine(line, maxLineRunes)) {
		if piece.Text == "" {
			p.set(piece.Colour)
			continue
		}
		p.write(piece.Text)
	}
	p.close()
	return template.HTML(p.out.String())
}

// painter writes escaped text in spans of one class at a time.
type painter struct {
	out  strings.Builder
	want string // class for what comes next
	open string // class of the span that is open
}

// set takes the parameters of an SGR sequence.
func (p *painter) set(parameters string) {
	codes := strings.Split(parameters, ";")
	for i := 0; i < len(codes); i++ {
		switch code := codes[i]; {
		case code == "38" || code == "48": // a colour of the large palettes: 5 and a number, or 2 and three of them
			if i+1 < len(codes) && codes[i+1] == "2" {
				i += 2
			}
			i += 2
		case code == "" || code == "0" || code == "39" || code == "22":
			p.want = ""
		case sgrClass[code] != "" && (code != "1" || p.want == ""):
			p.want = sgrClass[code]
		}
	}
}

func (p *painter) write(text string) {
	if p.open != p.want {
		p.close()
		if p.want != "" {
			p.out.WriteString(`<span class="` + p.want + `">`)
		}
		p.open = p.want
	}
	p.out.WriteString(template.HTMLEscapeString(text))
}

func (p *painter) close() {
	if p.open != "" {
		p.out.WriteString("</span>")
	}
	p.open = ""
}
