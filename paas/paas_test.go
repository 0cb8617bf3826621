package paas

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIDsSortByAge(t *testing.T) {
	var ids []string
	for range 5 {
		ids = append(ids, NewID("app"))
		time.Sleep(2 * time.Millisecond)
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not sort by age: %v", ids)
	}
	for _, id := range ids {
		if !IsID("app", id) {
			t.Errorf("%q is not an id", id)
		}
	}
}

func TestIsIDRefusesWhatCouldBeAPath(t *testing.T) {
	good := NewID("app")
	for _, s := range []string{"", "app_", good + "x", good[:len(good)-1], "dep" + good[3:], "app_../../../../../../etc/passw", strings.ToUpper(good), good[:29] + "/"} {
		if IsID("app", s) {
			t.Errorf("%q counts as an app's id", s)
		}
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"shop": true, "a": true, "my-shop-2": true, strings.Repeat("a", 40): true,
		"": false, "Shop": false, "-shop": false, "shop-": false, "a--b": false, "a_b": false, "a.b": false, "a/b": false, "ünïcode": false,
		strings.Repeat("a", 41): false, "api": false, "www": false, "xn--a": false, "a b": false, "a\n": false,
	} {
		err := CheckName(name)
		if (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v, want ok %v", name, err, ok)
		}
		if err != nil && Public(err).Hint == "" {
			t.Errorf("CheckName(%q) gives no hint", name)
		}
	}
}

func FuzzSuggestNameIsAName(f *testing.F) {
	f.Add("My Shop!")
	f.Add("  --ä--  ")
	f.Add("www")
	f.Fuzz(func(t *testing.T, s string) {
		if n := SuggestName(s); n != "" && CheckName(n) != nil {
			t.Errorf("SuggestName(%q) = %q, which is no name: %v", s, n, CheckName(n))
		}
	})
}

func TestVariables(t *testing.T) {
	for name, ok := range map[string]bool{"DATABASE_URL": true, "_x": true, "a1": true, "1a": false, "A-B": false, "": false, "PORT": false, "CNB_X": false, "A=B": false} {
		if err := CheckVariable(name); (err == nil) != ok {
			t.Errorf("CheckVariable(%q) = %v, want ok %v", name, err, ok)
		}
	}
	if !IsPublicVariable("VITE_X") || IsPublicVariable("SECRET_VITE_X") {
		t.Error("public prefixes are told apart wrongly")
	}
}

func TestSecretNeverShows(t *testing.T) {
	s := NewSecret("hunter2")
	in := struct{ S Secret }{s}
	j, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "in", in, "p", &in)
	for _, shown := range []string{s.String(), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%v %+v %#v", in, in, in), string(j), log.String(), fmt.Sprint(&in)} {
		if strings.Contains(shown, "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("a secret shows in %q", shown)
		}
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("a secret does not keep its text")
	}
}

func TestPublicHidesTheCause(t *testing.T) {
	cause := errors.New("open /secret/path: permission denied")
	e := Public(fmt.Errorf("wrapped: %w", &Error{Kind: Conflict, Msg: "taken", Hint: "choose another", Err: cause}))
	if e.Kind != Conflict || e.Msg != "taken" || e.Err != nil {
		t.Errorf("Public = %+v", e)
	}
	if e := Public(cause); e.Kind != Internal || strings.Contains(e.Msg+e.Hint, "secret") {
		t.Errorf("Public of an unknown error = %+v", e)
	}
	if !IsKind(fmt.Errorf("x: %w", &Error{Kind: NotFound}), NotFound) || IsKind(cause, NotFound) {
		t.Error("IsKind is wrong")
	}
}

func TestPathContains(t *testing.T) {
	client := Path{Team: "t", Client: "c"}
	if !client.Contains(Path{Team: "t", Client: "c", Project: "p", App: "a"}) {
		t.Error("a client does not contain its app")
	}
	for _, other := range []Path{{Team: "t", Client: "d", App: "a"}, {Team: "u", Client: "c"}, {Team: "t"}} {
		if client.Contains(other) {
			t.Errorf("client contains %+v", other)
		}
	}
}

// An edge of the version before says "handing"; control must not take it for one that listens.
func TestEdgeStatusOfAnOlderEdge(t *testing.T) {
	for text, want := range map[string]bool{`{"pid":7,"handing":true}`: true, `{"pid":7,"draining":true}`: true, `{"pid":7}`: false} {
		var st EdgeStatus
		if err := json.Unmarshal([]byte(text), &st); err != nil || st.PID != 7 || st.Draining != want {
			t.Errorf("%s is read as %+v, %v", text, st, err)
		}
	}
}
