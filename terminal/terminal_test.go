package terminal

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// texts are what programs and attackers print: what Plain, Line and ColouredLine make of it. "=" means as the
// column before.
var texts = []struct{ in, plain, line, coloured string }{
	{"hello", "hello", "=", "="},
	{"ünï🚀", "ünï🚀", "=", "="},
	{"tab\there", "tab\there", "tab here", "="},
	{"two\nlines", "two\nlines", "twolines", "="},
	{"bell\x07 null\x00 del\x7f", "bell null del", "=", "="},
	{"a\rb\x00c\x7f", "abc", "bc", "="},
	{"10%\r20%\r100%\r\n", "10%20%100%\n", "100%", "="},
	{"done\r\n", "done\n", "done", "="},
	{"\r\r", "", "=", "="},
	{"\x1b[1;31mred\x1b[0m on", "red on", "=", "\x1b[1;31mred\x1b[0m on"},
	{"\x1b[mreset", "reset", "=", "\x1b[mreset"},
	{"\x1b[38:2:1:2:3mrgb", "rgb", "=", "\x1b[38:2:1:2:3mrgb"},
	{"10%\r\x1b[32m100%", "10%100%", "100%", "\x1b[32m100%"},
	{"\x1b[2Jgone", "gone", "=", "="},
	{"\x1b[2K\x1b[1Gcleared", "cleared", "=", "="},
	{"\x1b[?25lx", "x", "=", "="},
	{"\x1b[31>mx", "x", "=", "="},
	{"\x1b[31 mx", "x", "=", "="},
	{"\x1b[31\x07mx", "mx", "=", "="},
	{"\x1b[31éx", "éx", "=", "="},
	{"\x1b]0;title\x07x", "x", "=", "="},
	{"\x1b]0;title\x1b\\x", "x", "=", "="},
	{"\x1b]8;;http://evil\x1b\\link\x1b]8;;\x07.", "link.", "=", "="},
	{"\x1b]52;c;cm0=\x1b[31mx", "x", "=", "\x1b[31mx"},
	{"\x1bPq..\x1b\\x", "x", "=", "="},
	{"\x1b]0;never ends", "", "=", "="},
	{"\x1b]0;never ends\nnext", "\nnext", "next", "="},
	{"never ends \x1b[31", "never ends ", "=", "="},
	{"\x1b(Bcharset", "charset", "=", "="},
	{"\x1b(", "", "=", "="},
	{"\x1b[", "", "=", "="},
	{"\x1b", "", "=", "="},
	{"\x1bcx", "x", "=", "="},
	{"\x1b\x1b[31mx", "x", "=", "\x1b[31mx"},
	{"\x1b\x01[31mx", "[31mx", "=", "="},
	{"\u009b31mx", "31mx", "=", "="},
	{"\x9b31mx", "\uFFFD31mx", "=", "="},
	{"bad \xff\xfe bytes", "bad \uFFFD bytes", "=", "="},
	{"user\u202etxt.exe\u2066 \u200e\u061c", "usertxt.exe ", "=", "="},
	{"a\u2028b\u2029c\u0085d", "abcd", "=", "="},
}

func TestTexts(t *testing.T) {
	for _, c := range texts {
		if c.line == "=" {
			c.line = c.plain
		}
		if c.coloured == "=" {
			c.coloured = c.line
		}
		if got := Plain(c.in); got != c.plain {
			t.Errorf("Plain(%q) = %q, want %q", c.in, got, c.plain)
		}
		if got := Line(c.in, 100); got != c.line {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := ColouredLine(c.in, 100); got != c.coloured {
			t.Errorf("ColouredLine(%q) = %q, want %q", c.in, got, c.coloured)
		}
	}
}

func TestLongLines(t *testing.T) {
	for in, want := range map[string]string{
		"abcd":                            "abcd",
		"abcde":                           "abc…",
		"\x1b[31mabcd\x1b[0m":             "\x1b[31mabcd\x1b[0m",
		"\x1b[31mab\x1b[32mcde\x1b[0m fg": "\x1b[31mab\x1b[32mc…",
		"abcd\x1b[32me":                   "abc…",
		"abc\x1b[32mde":                   "abc\x1b[32m…",
	} {
		if got := ColouredLine(in, 4); got != want {
			t.Errorf("ColouredLine(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Line("abcdé", 4); got != "abc…" {
		t.Errorf("Line cuts to %q", got)
	}
}

// FuzzSafe: whatever comes in, what goes out is valid, holds no control but the allowed ones, and is not changed by
// another pass.
func FuzzSafe(f *testing.F) {
	for _, c := range texts {
		f.Add(c.in)
	}
	const most = 20
	f.Fuzz(func(t *testing.T, in string) {
		checkSafe(t, in, Plain(in), "\t\n")
		checkSafe(t, in, Line(in, most), "")
		coloured := ColouredLine(in, most)
		checkSafe(t, in, withoutColours(t, coloured), "")
		for name, f := range map[string]func(string) string{
			"Plain":        Plain,
			"Line":         func(s string) string { return Line(s, most) },
			"ColouredLine": func(s string) string { return ColouredLine(s, most) },
		} {
			if once := f(in); f(once) != once {
				t.Errorf("%s(%q) is %q, and of that %q", name, in, once, f(once))
			}
		}
		if n := utf8.RuneCountInString(Line(in, most)); n > most {
			t.Errorf("Line(%q) is %d long", in, n)
		}
		if n := utf8.RuneCountInString(withoutColours(t, coloured)); n > most {
			t.Errorf("ColouredLine(%q) shows %d", in, n)
		}
	})
}

func checkSafe(t *testing.T, in, out, allowed string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%q becomes %q, which is not UTF-8", in, out)
	}
	for _, r := range out {
		if !strings.ContainsRune(allowed, r) && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Errorf("%q keeps %U: %q", in, r, out)
		}
	}
}

// withoutColours takes SGR sequences out, by a rule of its own: ESC [ digits, semicolons and colons, m.
func withoutColours(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "\x1b[")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		parameters, rest, found := strings.Cut(after, "m")
		if !found || strings.Trim(parameters, "0123456789;:") != "" {
			t.Errorf("a sequence that does not set colours: %q", text)
		}
		text = rest
	}
}
