package paas

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"testing"
)

func TestEveryKindHasAStatus(t *testing.T) {
	kinds := declaredKinds(t)
	if len(kinds) != len(statuses) {
		t.Errorf("%d kinds, %d statuses", len(kinds), len(statuses))
	}
	for _, k := range kinds {
		status, ok := statuses[k]
		if !ok || status < 400 || status > 599 || http.StatusText(status) == "" {
			t.Errorf("kind %q has status %d", k, status)
		}
		if k.HTTPStatus() != status {
			t.Errorf("kind %q is answered with %d", k, k.HTTPStatus())
		}
	}
	if got := Kind("of tomorrow").HTTPStatus(); got != http.StatusInternalServerError {
		t.Errorf("an unknown kind is answered with %d", got)
	}
}

// declaredKinds reads the constants of type Kind from the source, so that a new one cannot be forgotten here.
func declaredKinds(t *testing.T) []Kind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for n := range ast.Preorder(file) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			continue
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Kind" {
			continue
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds = append(kinds, Kind(text))
		}
	}
	return kinds
}
