package ui

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"
)

func TestAnsi(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                                   "plain",
		"<b>&\"'":                                 "&lt;b&gt;&amp;&#34;&#39;",
		"\x1b[31mred\x1b[0m on":                   `<span class="a-r">red</span> on`,
		"\x1b[1;32mok":                            `<span class="a-g">ok</span>`,
		"\x1b[38;5;208mno such colour":            "no such colour",
		"\x1b[48;2;31;32;33;32mgreen":             `<span class="a-g">green</span>`,
		"\x1b[38;5;31mnot red":                    "not red",
		"\x1b]8;;http://x\x07link\x1b]8;;\x1b\\.": "link.",
		"10%\r50%\r100%":                          "100%",
		"done\r\n":                                "done",
		"\x1b[2K\x1b[1Gcleared":                   "cleared",
		"bell\x07 null\x00":                       "bell null",
		"never ends \x1b[31":                      "never ends ",
		"bad \xff byte":                           "bad \uFFFD byte",
		"\u202egnp.exe":                           "gnp.exe",
		"a\tb":                                    "a b",
	} {
		if got := string(ansi(in)); got != want {
			t.Errorf("ansi(%q) = %q, want %q", in, got, want)
		}
	}
	if got := string(ansi(strings.Repeat("x", 5000))); len(got) != maxLineRunes-1+len("…") {
		t.Errorf("a long line keeps %d bytes", len(got))
	}
}

// FuzzAnsi: whatever a program prints, the page gets text and our own spans.
func FuzzAnsi(f *testing.F) {
	for _, s := range []string{"\x1b[31mred\x1b[0m", "<script>", "\x1b]0;t\x07", "\r\r", "\x1b[1;2;3m\x1b[0m\x1b", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		z := html.NewTokenizer(strings.NewReader(string(ansi(line))))
		depth := 0
		for {
			switch z.Next() {
			case html.ErrorToken:
				if depth != 0 {
					t.Fatalf("%q leaves %d spans open", line, depth)
				}
				return
			case html.TextToken:
				for _, r := range string(z.Text()) {
					if unicode.IsControl(r) && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
						t.Fatalf("%q shows %U", line, r)
					}
				}
			case html.StartTagToken:
				tok := z.Token()
				if tok.Data != "span" || len(tok.Attr) != 1 || tok.Attr[0].Key != "class" {
					t.Fatalf("%q makes <%s>", line, tok.Data)
				}
				depth++
			case html.EndTagToken:
				depth--
			default:
				t.Fatalf("%q makes %s", line, z.Raw())
			}
		}
	})
}
