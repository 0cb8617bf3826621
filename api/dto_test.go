package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"
	"time"
)

// wire is every exported struct that is sent or received.
var wire = []any{
	App{}, AppDetail{}, Apps{}, AppSource{}, BuildSettings{}, Limits{}, CreateApp{}, UpdateApp{}, Deployment{}, Deployments{}, StepTime{}, Source{}, Failure{},
	Actor{}, CreateDeployment{}, Rollback{}, Release{}, Releases{}, LogLine{}, Log{}, Plan{}, Runtime{}, Process{}, Static{}, Needed{}, Fact{}, Detected{},
	Variable{}, Variables{}, SetVariable{}, ChangeVariables{}, Me{}, User{}, UpdateMe{}, ChangePassword{}, Claim{}, StartEnrolment{}, EnrolmentSecret{}, Enrol{},
	ConfirmPassword{}, ClaimLink{}, Login{}, Session{}, Sessions{}, Token{}, Tokens{}, CreateToken{}, NewToken{}, Health{}, System{}, Memory{}, Disk{}, Docker{},
	Edge{}, Certificate{}, Builder{}, Event{}, Events{}, Verified{}, Break{}, Failed{}, Error{},
}

// answers are the types that leave the server; of these, only two may hold a fresh credential.
var mayHoldCredential = map[string]bool{"NewToken.token": true, "EnrolmentSecret.secret": true}

// inputs are what people send; passwords and values go in, and no answer contains one of these types.
var inputs = map[string]bool{"CreateApp": true, "UpdateApp": true, "CreateDeployment": true, "Rollback": true, "SetVariable": true, "ChangeVariables": true,
	"UpdateMe": true, "ChangePassword": true, "Claim": true, "StartEnrolment": true, "Enrol": true, "ConfirmPassword": true, "Login": true, "CreateToken": true}

func TestWireTypesHoldNoNounsAndNoSecrets(t *testing.T) {
	for _, v := range wire {
		walk(t, reflect.TypeOf(v), reflect.TypeOf(v).Name(), inputs[reflect.TypeOf(v).Name()])
	}
}

func walk(t *testing.T, typ reflect.Type, path string, input bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.PkgPath() != "" && typ.PkgPath() != reflect.TypeFor[App]().PkgPath() && typ != reflect.TypeFor[time.Time]() {
		t.Errorf("%s is a %s: wire types are separate from the nouns", path, typ)
		return
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return
	}
	if !input && inputs[typ.Name()] {
		t.Errorf("%s: the input %s is part of an answer", path, typ.Name())
	}
	for f := range typ.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" && !f.Anonymous {
			t.Errorf("%s.%s has no JSON name", path, f.Name)
		}
		if f.Anonymous {
			walk(t, f.Type, path, input)
			continue
		}
		for _, word := range []string{"secret", "password", "hash", "value", "token", "key"} {
			if !input && strings.Contains(tag, word) && !mayHoldCredential[typ.Name()+"."+tag] && f.Type.Kind() == reflect.String && typ.Name()+"."+tag != "Event.hash" {
				t.Errorf("%s.%s could give a secret away", path, tag)
			}
		}
		walk(t, f.Type, path+"."+tag, input)
	}
}

// The list above is complete: every exported struct with JSON members is in it.
func TestEveryWireTypeIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, v := range wire {
		listed[reflect.TypeOf(v).Name()] = true
	}
	for _, file := range []string{"app.go", "deployment.go", "plan.go", "variable.go", "person.go", "system.go", "error.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && !listed[spec.Name.Name] {
				t.Errorf("%s is not checked", spec.Name.Name)
			}
			return true
		})
	}
}
