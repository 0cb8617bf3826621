package server

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"hello":                         "hello",
		"tab\there":                     "tab\there",
		"\x1b[1;31mred\x1b[0m":          "\x1b[1;31mred\x1b[0m",
		"\x1b[38:2:1:2:3mrgb":           "\x1b[38:2:1:2:3mrgb",
		"\x1b[2Jgone":                   "gone",
		"\x1b[?25lx":                    "x",
		"\x1b]0;title\x07x":             "x",
		"\x1b]8;;http://evil\x1b\\link": "link",
		"\x1bPq..\x1b\\x":               "x",
		"\x1b]0;never ends":             "",
		"\x1b[":                         "",
		"\x1b":                          "",
		"\x1bcx":                        "x",
		"\x1b\x1b[31mx":                 "\x1b[31mx",
		"\x1b[31\x07mx":                 "mx",
		"a\rb\x00c\x7f":                 "abc",
		"\u009b31mx":                    "31mx",
		"user\u202etxt.exe\u2066":       "usertxt.exe",
		"\xff\xfe":                      "\uFFFD",
		"ünï🚀":                          "ünï🚀",
		"\x1b[31>mx":                    "x",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b]8;;http://a\x1b\\b\x1b[31mc\u202e")
	f.Add("\x1b[\x1b[31m\x1b")
	f.Fuzz(func(t *testing.T, in string) {
		got := plain(in)
		if !utf8.ValidString(got) {
			t.Fatalf("%q: not UTF-8: %q", in, got)
		}
		if again := plain(got); again != got {
			t.Fatalf("%q: %q, and again %q", in, got, again)
		}
		rest := got
		for {
			_, after, found := strings.Cut(rest, "\x1b")
			if !found {
				break
			}
			n, colour := escapeLength("\x1b" + after)
			if !colour {
				t.Fatalf("%q: a sequence stays: %q", in, got)
			}
			rest = after[n-1:]
		}
		for _, r := range got {
			if r != '\t' && r != 0x1b && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Fatalf("%q: %U stays", in, r)
			}
		}
	})
}
