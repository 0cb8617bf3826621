package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/server"
)

// object is a JSON object of the document; encoding/json sorts its members, so that the document is always the same.
type object = map[string]any

// queryDocs describes the query parameters by name.
var queryDocs = map[string]object{
	"env":      {"description": "name of the environment; production when left out", "schema": object{"type": "string"}},
	"limit":    {"description": "at most so many", "schema": object{"type": "integer", "minimum": 1, "maximum": control.MaxListed}},
	"tail":     {"description": "the newest so many lines of each process", "schema": object{"type": "integer", "minimum": 1, "maximum": control.MaxTail, "default": control.DefaultTail}},
	"since":    {"description": "lines from then on", "schema": object{"type": "string", "format": "date-time"}},
	"from":     {"description": "lines from this number on", "schema": object{"type": "integer", "minimum": 0, "default": 0}},
	"filename": {"description": "name of the archive, for people", "schema": object{"type": "string"}},
	"root":     {"description": "subdirectory to look at", "schema": object{"type": "string"}},
	"app":      {"description": "events of this app only: its id, name, or project/name", "schema": object{"type": "string"}},
	"before":   {"description": "events before this one", "schema": object{"type": "integer", "minimum": 1}},
}

// pathDocs describes the path parameters by name.
var pathDocs = map[string]string{
	"app":        "the app's id or name; project/name with the slash as %2F where several projects have one of that name",
	"deployment": "the deployment's id",
	"token":      "the token's id",
	"session":    "the session's id",
}

// openAPI makes the document (OpenAPI 3.1) of the API routes in the table. A route that is not described is an error, so that nothing can be
// served without being documented.
func openAPI(table []server.Route, version string) ([]byte, error) {
	schemas := schemaSet{}
	paths := object{}
	for _, r := range table {
		if !r.IsAPI() {
			continue
		}
		op, err := operation(r, schemas)
		if err != nil {
			return nil, fmt.Errorf("describe %s %s: %w", r.Method, r.Path, err)
		}
		path := templated(r.Path)
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path].(object)[strings.ToLower(r.Method)] = op
	}
	doc := object{
		"openapi": "3.1.0",
		"info": object{"title": "Cloudsania", "version": version, "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "The same use cases as the dashboard and the command line. Failures have one shape, Failed. " +
				"Calls that change something take an Idempotency-Key; repeating one within 24 hours repeats its answer."},
		"servers":  []any{object{"url": "/", "description": "this installation"}},
		"security": []any{object{"bearer": []string{}}, object{"basic": []string{}}, object{"session": []string{}}},
		"paths":    paths,
		"components": object{
			"schemas": schemas,
			"securitySchemes": object{
				"bearer":  object{"type": "http", "scheme": "bearer", "description": "a token, cs_…; never in the address"},
				"basic":   object{"type": "http", "scheme": "basic", "description": "any user name, the token as password: as git sends it"},
				"session": object{"type": "apiKey", "in": "cookie", "name": server.CookieName(true), "description": "a signed-in browser; without TLS the cookie is called cs"},
			},
			"responses": object{"Failed": object{"description": "what went wrong and what to do",
				"content": object{"application/json": object{"schema": schemas.of(reflect.TypeFor[api.Failed]())}}}},
		},
	}
	b, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return append(b, '\n'), nil
}

// templated turns /apps/:app into /apps/{app}.
func templated(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func operation(r server.Route, schemas schemaSet) (object, error) {
	if r.Doc.ID == "" || r.Doc.Summary == "" {
		return nil, fmt.Errorf("it has no id or no summary")
	}
	params, err := parameters(r)
	if err != nil {
		return nil, err
	}
	op := object{"operationId": r.Doc.ID, "summary": r.Doc.Summary, "x-action": string(r.Action), "responses": responses(r, schemas)}
	if len(params) > 0 {
		op["parameters"] = params
	}
	if body := requestBody(r, schemas); body != nil {
		op["requestBody"] = body
	}
	if access.Authorize(access.Principal{}, r.Action, access.Resource{}) == nil {
		op["security"] = []any{}
	}
	return op, nil
}

func parameters(r server.Route) ([]any, error) {
	var out []any
	for _, part := range strings.Split(r.Path, "/") {
		name, ok := strings.CutPrefix(part, ":")
		if !ok {
			continue
		}
		if pathDocs[name] == "" {
			return nil, fmt.Errorf("the path parameter %q is not described", name)
		}
		out = append(out, object{"name": name, "in": "path", "required": true, "description": pathDocs[name], "schema": object{"type": "string"}})
	}
	for _, name := range r.Doc.Query {
		doc := queryDocs[name]
		if doc == nil {
			return nil, fmt.Errorf("the query parameter %q is not described", name)
		}
		out = append(out, object{"name": name, "in": "query", "description": doc["description"], "schema": doc["schema"]})
	}
	if r.Mutates() {
		out = append(out, object{"name": server.IdempotencyKey, "in": "header", "description": "a random string of your own; the same one repeats the answer instead of the change",
			"schema": object{"type": "string", "maxLength": server.MaxKeyBytes}})
	}
	if r.Stream {
		out = append(out, object{"name": "Last-Event-ID", "in": "header", "description": "id of the last event that was seen", "schema": object{"type": "string"}})
	}
	return out, nil
}

func requestBody(r server.Route, schemas schemaSet) object {
	content := object{}
	if r.Doc.In != nil {
		content["application/json"] = object{"schema": schemas.of(reflect.TypeOf(r.Doc.In))}
	}
	if r.Upload {
		binary := object{"type": "string", "contentMediaType": "application/octet-stream", "description": "a zip, tar or tar.gz"}
		content["application/octet-stream"] = object{"schema": binary}
		content["multipart/form-data"] = object{"schema": object{"type": "object", "properties": object{"archive": binary}, "required": []string{"archive"}}}
	}
	if len(content) == 0 {
		return nil
	}
	return object{"required": !r.Doc.Optional, "content": content}
}

func responses(r server.Route, schemas schemaSet) object {
	out := object{"default": object{"$ref": "#/components/responses/Failed"}}
	status := r.Status()
	switch {
	case r.Doc.Events != "":
		out[strconv.Itoa(status)] = object{"description": r.Doc.Events, "content": object{"text/event-stream": object{"schema": object{"type": "string"}}}}
	case r.Doc.Out != nil:
		out[strconv.Itoa(status)] = object{"description": http.StatusText(status), "content": object{"application/json": object{"schema": schemas.of(reflect.TypeOf(r.Doc.Out))}}}
	default:
		out[strconv.Itoa(status)] = object{"description": http.StatusText(status)}
	}
	return out
}
