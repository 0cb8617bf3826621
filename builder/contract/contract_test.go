package contract

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// full sets every field of a struct and of what it holds, so that a round trip shows the ones that it loses.
func full(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			full(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		full(v.Index(0))
	case reflect.String:
		v.SetString("x\n\"é")
	case reflect.Bool:
		v.SetBool(true)
	}
}

func TestPlanRoundTrip(t *testing.T) {
	var plan paas.Plan
	full(reflect.ValueOf(&plan).Elem())
	name := filepath.Join(t.TempDir(), "plan.json")
	if err := WritePlan(name, plan); err != nil {
		t.Fatal(err)
	}
	got, err := readPlan(name)
	if err != nil || !reflect.DeepEqual(got, plan) {
		t.Errorf("read %+v (%v), want %+v", got, err, plan)
	}
	if plan.Static == nil || plan.Runtimes[0].Version == "" || !plan.KeepDev {
		t.Errorf("the plan was not filled: %+v", plan)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, want := range []Record{
		{Kind: Failure, Message: "npm found no package \"nope\"", Hint: "correct its name"},
		{Kind: Warning, Message: "two\nlines"},
	} {
		var b bytes.Buffer
		if err := want.Write(&b); err != nil {
			t.Fatal(err)
		}
		line, ended := strings.CutSuffix(b.String(), "\n")
		if got, ok := ParseRecord(line); !ok || got != want || !ended || strings.Contains(line, "\n") {
			t.Errorf("%q gives %+v, %v", b.String(), got, ok)
		}
	}
}

func TestParseRecord(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       Record
		ok         bool
	}{
		{"long", recordMark + `{"kind":"failure","message":"` + strings.Repeat("m", 600) + `"}`, Record{Kind: Failure, Message: strings.Repeat("m", 499) + "…"}, true},
		{"no message", recordMark + `{"kind":"failure","message":" "}`, Record{}, false},
		{"unknown kind", recordMark + `{"kind":"secret","message":"m"}`, Record{}, false},
		{"not JSON", recordMark + `{`, Record{}, false},
		{"output", `npm error {"kind":"failure","message":"m"}`, Record{}, false},
		{"quoted in output", "> " + recordMark + `{"kind":"failure","message":"m"}`, Record{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, ok := ParseRecord(tt.line); got != tt.want || ok != tt.ok {
				t.Errorf("%+v, %v", got, ok)
			}
		})
	}
}

func TestBinds(t *testing.T) {
	m := Mounts{Plan: "/b/plan.json", Variables: "/b/env", Runtimes: "/data/runtimes", Cache: "volume"}
	got, err := m.Binds()
	want := "/b/plan.json:/cloudsania/plan.json:ro /b/env:/platform/env:ro /data/runtimes:/cloudsania/runtimes:ro volume:/cloudsania/cache:rw"
	if err != nil || strings.Join(got, " ") != want {
		t.Errorf("binds %q (%v), want %q", got, err, want)
	}
	m.CA = "/ca.crt"
	if got, err := m.Binds(); err != nil || len(got) != 5 || got[4] != "/ca.crt:"+CAFile+":ro" {
		t.Errorf("with authorities: %q (%v)", got, err)
	}
	m.Runtimes = "/data:2/runtimes"
	if _, err := m.Binds(); err == nil {
		t.Error("a path with a colon would be mounted elsewhere")
	}
}

func TestRuntimeDirRoundTrip(t *testing.T) {
	dir := RuntimeDir("/r", "node", "24.1.0")
	if v, ok := RuntimeVersion(dir, "node"); !ok || v != "24.1.0" {
		t.Errorf("%q is version %q", dir, v)
	}
	if _, ok := RuntimeVersion(dir, "npm"); ok {
		t.Errorf("%q is no npm", dir)
	}
}

func TestStartedAs(t *testing.T) {
	for argv0, want := range map[string]Program{
		"/cnb/buildpacks/x/1/bin/detect": Detect, "bin/build": Build, "/usr/local/bin/cloudsania": "", "build": "", "/x/build": "", "": "",
	} {
		if got, ok := StartedAs(argv0); ok != (want != "") || ok && got != want {
			t.Errorf("%q is %q, %v", argv0, got, ok)
		}
	}
	for _, p := range []Program{Detect, Build} {
		if got, ok := StartedAs("/buildpack/" + p.File()); !ok || got != p {
			t.Errorf("%q is not recognised by its own name", p)
		}
	}
}
