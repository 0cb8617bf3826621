package git

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func TestCheckRef(t *testing.T) {
	for name, want := range map[string]bool{
		"refs/heads/main": true, "refs/heads/feature/a-b": true, "refs/tags/v1.0": true, "refs/heads/ünï": true, "refs/heads/x@y": true,
		"refs/heads/": false, "refs/heads": false, "main": false, "HEAD": false, "": false, "refs/heads/a..b": false, "refs/heads/.a": false,
		"refs/heads/a.lock": false, "refs/heads/a/.b": false, "refs/heads/a b": false, "refs/heads/a~1": false, "refs/heads/a^": false,
		"refs/heads/a:b": false, "refs/heads/a?": false, "refs/heads/a*": false, "refs/heads/[": false, `refs/heads/a\b`: false,
		"refs/heads/a//b": false, "refs/heads/a/": false, "refs/heads/a.": false, "refs/heads/@{x": false, "refs/heads/-a": false, "refs/heads/HEAD": false,
		"refs/heads/a\x7f": false, "refs/heads/a\x01": false, "refs/heads/a\nb": false, "refs/heads/\xff": false, "refs/heads/a\u202eb": false,
		"refs/cloudsania/push/x/new/main": false, "refs/notes/commits": false, "refs/heads/../../x": false, "refs/heads/a/../b": false,
	} {
		if got := checkRef(name) == ""; got != want {
			t.Errorf("%q: %q", name, checkRef(name))
		}
	}
}

func TestJudge(t *testing.T) {
	a, b := plumbing.NewHash(strings.Repeat("aa", 20)), plumbing.NewHash(strings.Repeat("bb", 20))
	types := objectTypes{a: {"commit", "commit"}, b: {"commit", "commit"}}
	none := plumbing.ZeroHash
	all := refs{"refs/heads/main": a, "refs/heads/old": a, "refs/heads/x/y": a, "refs/cloudsania/failed/dep_1": b}
	for _, c := range []struct {
		name     string
		commands []command
		want     []string // parts of reasons; "" is success
	}{
		{"forward", []command{{"refs/heads/main", a, b}}, []string{""}},
		{"moved meanwhile", []command{{"refs/heads/main", b, a}}, []string{"has changed meanwhile"}},
		{"made meanwhile", []command{{"refs/heads/main", none, b}}, []string{"has changed meanwhile"}},
		{"deleted meanwhile", []command{{"refs/heads/gone", a, b}}, []string{"has changed meanwhile"}},
		{"delete what is not there", []command{{"refs/heads/gone", none, none}}, []string{"there is no such"}},
		{"delete and put something below", []command{{"refs/heads/old/a", none, b}, {"refs/heads/old", a, none}}, []string{"", ""}},
		{"put something below without", []command{{"refs/heads/old/a", none, b}}, []string{"in use, so nothing can be below"}},
		{"put something above", []command{{"refs/heads/x", none, b}}, []string{"a name below"}},
		{"both in one push", []command{{"refs/heads/n", none, b}, {"refs/heads/n/m", none, b}}, []string{"", "in use"}},
		{"one too many", []command{{"refs/heads/1", none, b}, {"refs/heads/2", none, b}, {"refs/heads/3", none, b}}, []string{"", "", "already has 5"}},
		{"room is made first", []command{{"refs/heads/1", none, b}, {"refs/heads/2", none, b}, {"refs/heads/3", none, b}, {"refs/heads/old", a, none}}, []string{"", "", "", ""}},
		{"object not sent", []command{{"refs/heads/1", none, plumbing.NewHash(strings.Repeat("cc", 20))}}, []string{"was not sent"}},
	} {
		for i, v := range judge(all, c.commands, types, "main", 5, false) {
			if v.reason == "" != (c.want[i] == "") || !strings.Contains(v.reason, c.want[i]) {
				t.Errorf("%s: %s: %q, want %q", c.name, v.name, v.reason, c.want[i])
			}
		}
	}
	for _, v := range judge(all, []command{{"refs/heads/1", none, b}, {"refs/heads/main", a, none}}, types, "main", 5, true) {
		if v.reason == "" {
			t.Errorf("atomic: %s was accepted", v.name)
		}
	}
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	dir := t.TempDir() + "/r"
	if err := makeRepo(dir); err != nil {
		t.Fatal(err)
	}
	r := &repo{dir}
	a, b, none := hash(strings.Repeat("aa", 20)), hash(strings.Repeat("bb", 20)), plumbing.ZeroHash
	if err := r.update([]change{{"refs/heads/x", none, a}, {"refs/heads/y", none, a}}); err != nil {
		t.Fatal(err)
	}
	if err := r.update([]change{{"refs/heads/x", a, b}, {"refs/heads/y", b, a}}); err == nil {
		t.Error("moved although a reference was elsewhere")
	}
	got, err := r.refs()
	if err != nil || len(got) != 2 || got["refs/heads/x"] != a || got["refs/heads/y"] != a {
		t.Errorf("%v %v", got, err)
	}
	if err := r.update([]change{{"refs/heads/x", a, b}, {"refs/heads/y", a, none}}); err != nil {
		t.Fatal(err)
	}
	if got, err = r.refs(); err != nil || len(got) != 1 || got["refs/heads/x"] != b {
		t.Errorf("%v %v", got, err)
	}
}

func TestReadRequest(t *testing.T) {
	h := strings.Repeat("ab", 20)
	cmd := func(name string) string { return zeros + " " + h + " " + name }
	many := []string{cmd("refs/heads/0") + "\x00"}
	for i := range 5 {
		many = append(many, cmd("refs/heads/x")+strings.Repeat("x", i))
	}
	options := []string{cmd("refs/heads/0") + "\x00push-options", ""}
	for range maxOptions + 1 {
		options = append(options, "o")
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  string // part of the error; "" is success
	}{
		{"a command", []string{cmd("refs/heads/main") + "\x00report-status\n", ""}, ""},
		{"nothing", []string{""}, ""},
		{"shallow lines first", []string{"shallow " + h, cmd("refs/heads/main") + "\x00", ""}, ""},
		{"options", []string{cmd("refs/heads/main") + "\x00push-options", "", "a", ""}, ""},
		{"capabilities missing", []string{cmd("refs/heads/main"), ""}, "not valid"},
		{"capabilities twice", []string{cmd("refs/heads/a") + "\x00", cmd("refs/heads/b") + "\x00", ""}, "not valid"},
		{"the same twice", []string{cmd("refs/heads/a") + "\x00", cmd("refs/heads/a"), ""}, "not valid"},
		{"no hash", []string{strings.Repeat("z", 40) + " " + h + " refs/heads/a\x00", ""}, "not valid"},
		{"too short", []string{"x\x00", ""}, "not valid"},
		{"a long name", []string{cmd("refs/heads/"+strings.Repeat("x", maxRefBytes)) + "\x00", ""}, "not valid"},
		{"no flush", []string{cmd("refs/heads/a") + "\x00"}, "not valid"},
		{"too many commands", append(many, ""), "more than 5"},
		{"too many options", append(options, ""), "push options"},
		{"a signed push", []string{"push-cert\x00report-status", ""}, "signed pushes"},
		{"the other hash", []string{cmd("refs/heads/a") + "\x00object-format=sha256", ""}, "sha256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := readRequest(bytes.NewReader(pkt(c.lines...)), 5)
			if c.want == "" && (err != nil || q == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%+v %v, want %q", q, err, c.want)
			}
		})
	}
}

func FuzzReadRequest(f *testing.F) {
	h := strings.Repeat("ab", 20)
	f.Add(pkt(zeros+" "+h+" refs/heads/main\x00 report-status side-band-64k push-options", h+" "+zeros+" refs/tags/x", "", "skip-deploy", ""))
	f.Add(pkt("shallow "+h, zeros+" "+h+" refs/heads/main\x00", ""))
	f.Add(pkt("push-cert\x00"))
	f.Add([]byte("0000"))
	f.Add([]byte("0004"))
	f.Add([]byte("fff0"))
	f.Add([]byte("0008ERR "))
	f.Fuzz(func(t *testing.T, b []byte) {
		const rest = "PACK and what follows"
		r := bytes.NewReader(append(bytes.Clone(b), rest...))
		q, err := readRequest(r, 100)
		if err != nil {
			return
		}
		if len(q.commands) > 100 || len(q.options) > maxOptions {
			t.Errorf("over the limits: %d commands, %d options", len(q.commands), len(q.options))
		}
		seen := map[string]bool{}
		for _, c := range q.commands {
			if seen[c.name] || len(c.name) > maxRefBytes || strings.ContainsAny(c.name, "\x00") {
				t.Errorf("command %q", c.name)
			}
			seen[c.name] = true
			if checkRef(c.name) == "" && strings.ContainsAny(c.name, " \n\\~^:?*[") {
				t.Errorf("%q counts as a reference's name", c.name)
			}
		}
		if r.Len() < len(rest) && !bytes.Contains(b, []byte("0000")) {
			t.Error("the pack was read into")
		}
	})
}
