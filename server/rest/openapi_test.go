package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/rest"
	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/paas"
)

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]opSection `json:"paths"`
	Components struct {
		Schemas         map[string]map[string]any `json:"schemas"`
		Responses       map[string]any            `json:"responses"`
		SecuritySchemes map[string]any            `json:"securitySchemes"`
	} `json:"components"`
	raw any
}

type opSection struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Action      string `json:"x-action"`
	Parameters  []struct {
		Name, In string
		Required bool
		Schema   map[string]any
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct{ Schema any } `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct{ Schema any } `json:"content"`
	} `json:"responses"`
}

func parseDocument(t *testing.T, b []byte) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d.raw); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRouteIsDocumentedAndViceVersa(t *testing.T) {
	r := servertest.New(t)
	b, err := rest.OpenAPI(r.Routes, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	d := parseDocument(t, b)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", d.OpenAPI)
	}
	documented, ids := map[string]opSection{}, map[string]bool{}
	param := regexp.MustCompile(`\{(\w+)\}`)
	for path, ops := range d.Paths {
		for method, op := range ops {
			documented[strings.ToUpper(method)+" "+param.ReplaceAllString(path, ":$1")] = op
			if ids[op.OperationID] {
				t.Errorf("two operations are called %q", op.OperationID)
			}
			ids[op.OperationID] = true
			var want, got []string
			for _, m := range param.FindAllStringSubmatch(path, -1) {
				want = append(want, m[1])
			}
			for _, p := range op.Parameters {
				if p.In == "path" && p.Required {
					got = append(got, p.Name)
				}
				if p.Schema == nil {
					t.Errorf("%s: the parameter %s has no schema", op.OperationID, p.Name)
				}
			}
			if !slices.Equal(want, got) {
				t.Errorf("%s: path parameters %v, documented %v", path, want, got)
			}
		}
	}
	for _, rt := range r.Routes {
		key := rt.Method + " " + rt.Path
		op, ok := documented[key]
		if ok != rt.IsAPI() {
			t.Errorf("%s: documented is %v", key, ok)
		}
		if ok && op.Action != string(rt.Action) {
			t.Errorf("%s: the document says %s, the gate %s", key, op.Action, rt.Action)
		}
		delete(documented, key)
	}
	for key := range documented {
		t.Errorf("%s is documented and not there", key)
	}
}

func TestReferencesResolve(t *testing.T) {
	r := servertest.New(t)
	b, err := rest.OpenAPI(r.Routes, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	d := parseDocument(t, b)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := ref[strings.LastIndexByte(ref, '/')+1:]
				used[name] = true
				if d.Components.Schemas[name] == nil && d.Components.Responses[name] == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(d.raw)
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("nothing refers to the schema %s", name)
		}
	}
}

func TestUndescribedRoutesStopTheStart(t *testing.T) {
	for name, rt := range map[string]server.Route{
		"no summary":              {Method: "GET", Path: "/api/v1/x", Doc: server.Doc{ID: "x"}},
		"unknown path parameter":  {Method: "GET", Path: "/api/v1/x/:what", Doc: server.Doc{ID: "x", Summary: "x"}},
		"unknown query parameter": {Method: "GET", Path: "/api/v1/x", Doc: server.Doc{ID: "x", Summary: "x", Query: []string{"what"}}},
	} {
		if _, err := rest.OpenAPI([]server.Route{rt}, ""); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// conforms is as much of JSON Schema as the document uses.
func (d document) conforms(schema any, v any, where string) error {
	s, ok := schema.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: no schema", where)
	}
	if ref, ok := s["$ref"].(string); ok {
		return d.conforms(map[string]any(d.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]]), v, where)
	}
	if any, ok := s["anyOf"].([]any); ok {
		var err error
		for _, one := range any {
			if err = d.conforms(one, v, where); err == nil {
				return nil
			}
		}
		return err
	}
	bad := fmt.Errorf("%s: %v is not a %v", where, v, s["type"])
	switch s["type"] {
	case "null":
		if v != nil {
			return bad
		}
	case "string":
		text, ok := v.(string)
		if !ok {
			return bad
		}
		if s["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
		}
	case "integer", "number":
		if _, ok := v.(float64); !ok {
			return bad
		}
	case "boolean":
		if _, ok := v.(bool); !ok {
			return bad
		}
	case "array":
		list, ok := v.([]any)
		if !ok {
			return bad
		}
		for i, x := range list {
			if err := d.conforms(s["items"], x, fmt.Sprintf("%s[%d]", where, i)); err != nil {
				return err
			}
		}
	case "object":
		return d.object(s, v, where)
	}
	return nil
}

func (d document) object(s map[string]any, v any, where string) error {
	obj, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %v is not an object", where, v)
	}
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := obj[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", where, name)
		}
	}
	for name, x := range obj {
		schema, known := properties[name]
		if !known {
			if schema = s["additionalProperties"]; schema == false {
				return fmt.Errorf("%s: %s is not documented", where, name)
			}
		}
		if err := d.conforms(schema, x, where+"."+name); err != nil {
			return err
		}
	}
	return nil
}

// Real answers of every route with a JSON answer fit their schemas.
func TestAnswersFitTheirSchemas(t *testing.T) {
	r := servertest.Claimed(t, func(o *control.Options, _ *server.Options) {
		o.Health = control.Health{
			Edges: func(ctx context.Context) ([]paas.EdgeStatus, error) {
				return []paas.EdgeStatus{{PID: 1, Active: map[string]int{"a": 2}, Certificates: map[string]paas.CertStatus{"h": {State: "ok", Expires: 1}}}}, nil
			},
			Docker:  func(context.Context) (string, string, error) { return "20.10", "1.41", nil },
			Builder: func() control.BuilderStatus { return control.BuilderStatus{Ready: true, Percent: 100} },
		}
	})
	a := r.App("shop")
	r.GoLive(a, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("a", 40), Message: "first"})
	r.GoLive(a, paas.Source{Kind: paas.SourceGit, Commit: strings.Repeat("b", 40), Message: "second"}) // so that there is something to go back to
	dep := r.Deployment(a)
	if err := r.Store.BeginDeployment(dep.ID); err != nil { // else a later one takes its place
		t.Fatal(err)
	}
	r.Deploys.Say(dep.ID, paas.StepBuild, "hello")
	r.Deploys.Print(nil, paas.LogLine{Time: time.Now(), Process: "web", Stream: "stdout", Text: "up"})
	cookie, local := r.Session(), servertest.Ask{Local: true}
	d := parseDocument(t, []byte(r.Want(200, servertest.Ask{Path: "/api/v1/openapi.json"}, nil).Body))
	archive := servertest.Zip(t, map[string]string{"app.js": "x"})
	upload := func(a servertest.Ask) servertest.Ask {
		a.Raw, a.Header = bytes.NewReader(archive), map[string]string{"Content-Type": "application/zip"}
		return a
	}
	session := func(a servertest.Ask) servertest.Ask { a.Cookie = cookie; return a }
	asks := map[string]servertest.Ask{
		"health": {}, "openapi": {}, "showSystem": local, "showBuilder": local, "listEvents": local, "verifyEvents": local, "listApps": local, "showApp": local,
		"createApp": {Local: true, Body: `{"name":"other","variables":[{"name":"A","value":"b"}]}`}, "updateApp": {Local: true, Body: `{"build":{"health_path":"/ok"}}`},
		"listVariables": local, "changeVariables": {Local: true, Body: `{"set":[{"name":"A","value":"secret"}]}`}, "listReleases": local,
		"rollback": {Local: true, Body: `{"version":1}`}, "showLogs": local, "listDeployments": local, "createDeployment": {Local: true, Body: `{}`},
		"detect": upload(local), "showDeployment": local, "showDeploymentLog": local, "showMe": session(servertest.Ask{}),
		"updateMe": session(servertest.Ask{Body: `{"name":"Ada L"}`}), "startEnrolment": session(servertest.Ask{}), "listSessions": session(servertest.Ask{}), "listTokens": local,
		"createToken": {Local: true, Body: `{"name":"ci","app":"shop"}`}, "login": {Body: fmt.Sprintf(`{"email":%q,"password":%q}`, servertest.OwnerEmail, servertest.OwnerPassword)},
		"cancelDeployment": local,
	}
	later := map[string]bool{"claim": true, "startClaimEnrolment": true, "issueClaim": true, "finishEnrolment": true, "dropEnrolment": true} // in the tests of their own
	for _, rt := range r.Routes {
		if !rt.IsAPI() || rt.Doc.Out == nil || later[rt.Doc.ID] {
			continue
		}
		q, ok := asks[rt.Doc.ID]
		if !ok {
			t.Errorf("%s is not asked", rt.Doc.ID)
			continue
		}
		q.Method = rt.Method
		q.Path = strings.NewReplacer(":app", "shop", ":deployment", dep.ID).Replace(rt.Path)
		got := r.Do(q)
		op := d.Paths[rest.Templated(rt.Path)][strings.ToLower(rt.Method)]
		answer, ok := op.Responses[fmt.Sprint(got.Status)]
		if !ok {
			t.Errorf("%s answers %d, which is not documented: %s", rt.Doc.ID, got.Status, got.Body)
			continue
		}
		kind, _, err := mime.ParseMediaType(got.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			t.Errorf("%s: type %q", rt.Doc.ID, got.Header.Get("Content-Type"))
		}
		var v any
		if err := json.Unmarshal([]byte(got.Body), &v); err != nil {
			t.Errorf("%s: %v", rt.Doc.ID, err)
		}
		if err := d.conforms(answer.Content["application/json"].Schema, v, rt.Doc.ID); err != nil {
			t.Error(err)
		}
	}
	var f any
	bad := r.Do(servertest.Ask{Path: "/api/v1/apps"})
	if err := json.Unmarshal([]byte(bad.Body), &f); err != nil || bad.Status != http.StatusUnauthorized {
		t.Fatal(bad, err)
	}
	if err := d.conforms(map[string]any{"$ref": "#/components/schemas/Failed"}, f, "Failed"); err != nil {
		t.Error(err)
	}
	if err := d.conforms(map[string]any{"$ref": "#/components/schemas/App"}, map[string]any{"id": 1}, "App"); err == nil {
		t.Error("the check of schemas finds nothing wrong with a wrong answer")
	}
}
