package paas

import (
	"strings"
	"testing"
)

func TestParseEnvFile(t *testing.T) {
	for _, c := range []struct{ name, in, want, err string }{
		{"plain", "A=1\nB=two words\n", "A=1|B=two words", ""},
		{"export, spaces, comments", "  export A = 1 # one\n# B=2\n\nC=#3", "A=1|C=#3", ""},
		{"double quotes", `A="a \"b\" \\ \n c" # x`, "A=a \"b\" \\ \n c", ""},
		{"single quotes", `A='a \n "b"'`, `A=a \n "b"`, ""},
		{"several lines", "KEY=\"-----BEGIN\nabc\n-----END\"\nB=2", "KEY=-----BEGIN\nabc\n-----END|B=2", ""},
		{"empty value", "A=\nB=''", "A=|B=", ""},
		{"equals sign in the value", "A=b=c", "A=b=c", ""},
		{"Windows line ends", "A=1\r\nB=2\r\n", "A=1|B=2", ""},
		{"dollar stays", `A="$HOME \$x"`, "A=$HOME $x", ""},
		{"no equals sign", "A=1\nnonsense", "", `line 2 of the pasted text has no "="`},
		{"bad name", "1A=1", "", `line 1 of the pasted text: "1A" cannot be a variable's name`},
		{"ours", "A=1\n\nPORT=80", "", `line 3 of the pasted text: "PORT" is set by Cloudsania`},
		{"line numbers after a long value", "A=\"x\ny\"\nbad", "", "line 3 of the pasted text"},
		{"open quote", "A=\"x", "", "line 1 of the pasted text has a quotation mark that is not closed"},
	} {
		vars, err := ParseEnvFile(c.in)
		var got []string
		for _, v := range vars {
			got = append(got, v.Name+"="+v.Value.Reveal())
		}
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: %v, want %s", c.name, err, c.err)
		case c.err == "" && (err != nil || strings.Join(got, "|") != c.want):
			t.Errorf("%s: %q, %v; want %q", c.name, strings.Join(got, "|"), err, c.want)
		}
	}
}

func FuzzParseEnvFile(f *testing.F) {
	for _, s := range []string{"A=1", "A=\"\\", "export =", "A='\n'", "#", "A=\"x\ny\"z\nB=1", "\r\n=\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		vars, err := ParseEnvFile(in)
		for _, v := range vars {
			if v.Name == "" || len(v.Value.Reveal()) > len(in) {
				t.Fatalf("%q gives %q=%q", in, v.Name, v.Value.Reveal())
			}
		}
		if err != nil && len(vars) > 0 {
			t.Fatalf("%q gives variables and %v", in, err)
		}
	})
}
