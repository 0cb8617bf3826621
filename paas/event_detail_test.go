package paas

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
	"testing"
)

// declaredEventNames are the constants of event_detail.go.
func declaredEventNames(t *testing.T) map[EventName]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event_detail.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[EventName]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ident, typed := typeOf(spec, ok); !typed || ident != "EventName" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		out[EventName(text)] = true
		return true
	})
	return out
}

func typeOf(spec *ast.ValueSpec, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	ident, ok := spec.Type.(*ast.Ident)
	if !ok {
		return "", false
	}
	return ident.Name, true
}

func TestEveryEventNameHasDetails(t *testing.T) {
	declared := declaredEventNames(t)
	if len(declared) < 30 {
		t.Fatalf("only %d names were found", len(declared))
	}
	for name := range declared {
		if d := (Event{Action: name}).Details(); d == nil || d.EventName() != name {
			t.Errorf("%s reads as %T", name, d)
		}
	}
	for _, name := range EventNames() {
		if !declared[name] {
			t.Errorf("%s is no constant", name)
		}
	}
	if d := (Event{Action: "thing.unknown"}).Details(); d != nil {
		t.Errorf("an unknown event reads as %T", d)
	}
}

// What is written is read again, member by member.
func TestEventDetailsAreKeptAsText(t *testing.T) {
	for _, name := range EventNames() {
		empty := Event{Action: name}.Details()
		full := reflect.New(reflect.TypeOf(empty)).Elem()
		full.Set(reflect.ValueOf(empty))
		for i := range full.NumField() {
			switch f := full.Field(i); {
			case full.Type().Field(i).Tag.Get("json") == "-":
			case f.Kind() == reflect.String:
				f.SetString("x <" + full.Type().Field(i).Name + ">")
			default:
				f.SetInt(7)
			}
		}
		want := full.Interface().(EventDetail)
		kept := DetailMap(want)
		if got := (Event{Action: name, Detail: kept}).Details(); got != want {
			t.Errorf("%s: wrote %+v, read %+v from %v", name, want, got, kept)
		}
	}
}

func TestEventDetailsOfOtherForms(t *testing.T) {
	e := Event{Action: EventInstanceCrashing, Detail: map[string]string{"exit_code": "killed", "process": "web", "colour": "red"}}
	if got := e.Details(); got != (InstanceCrashing{Process: "web"}) {
		t.Errorf("%+v", got)
	}
	if got := DetailMap(DeploymentEnded{Status: StatusFailed}); len(got) != 0 {
		t.Errorf("empty members are kept: %v", got)
	}
}
