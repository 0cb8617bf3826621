package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxMethods is where a type has become a place for everything. Promoted methods count: embedding hides nothing.
const maxMethods = 40

// Pages, routes and use cases stay small nouns: the rule is on the type that a handler hangs on.
func TestNoTypeHasTooManyMethods(t *testing.T) {
	for _, c := range check(t, "./control", "./server/page", "./server/rest") {
		for _, problem := range c.crowdedTypes() {
			t.Error(problem)
		}
	}
	assertProblems(t, check(t, "./testdata/arch/crowded")[0].crowdedTypes(), "Both has 41 methods")
}

// A page and a route cannot disagree about what is valid when neither decides it.
func TestPagesAndRoutesDecideNothing(t *testing.T) {
	for _, c := range check(t, "./server/page", "./server/rest") {
		for _, problem := range c.decisions() {
			t.Error(problem)
		}
	}
	assertProblems(t, check(t, "./testdata/arch/deciding")[0].decisions(),
		"paas.Invalidf", "an error of kind paas.Invalid", "limit maxNote", "limit leastCopies", "compares a length with 100", "io.LimitReader")
}

// assertProblems is for the packages that break the rules on purpose: each thing wrong with them is found, and nothing else.
func assertProblems(t *testing.T, got []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
			t.Errorf("the rule did not find %q: %q", w, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the rule found %d problems instead of %d: %q", len(got), len(want), got)
	}
}

// checked is a package of ours with its syntax and types.
type checked struct {
	fset  *token.FileSet
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

// check type-checks packages from their source; what they import comes from the compiler's export data. Packages that do not exist are
// left out, so that a rule can be older than its package.
func check(t *testing.T, patterns ...string) []checked {
	t.Helper()
	patterns = slices.DeleteFunc(patterns, func(p string) bool {
		files, _ := filepath.Glob(filepath.Join(p, "*.go"))
		return len(files) == 0
	})
	if len(patterns) == 0 {
		return nil
	}
	all := list(t, append([]string{"-export", "-deps"}, patterns...)...)
	exports := map[string]string{}
	for _, p := range all {
		exports[p.ImportPath] = p.Export
	}
	var out []checked
	for _, p := range all {
		if p.DepOnly {
			continue
		}
		c := checked{fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}}
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			c.files = append(c.files, f)
		}
		open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
		var err error
		conf := types.Config{Importer: importer.ForCompiler(c.fset, "gc", open)}
		if c.pkg, err = conf.Check(p.ImportPath, c.fset, c.files, c.info); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// crowdedTypes are those of more than maxMethods methods.
func (c checked) crowdedTypes() []string {
	var out []string
	for _, name := range c.pkg.Scope().Names() {
		typ, ok := c.pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		var all types.Type = typ.Type()
		if !types.IsInterface(all) {
			all = types.NewPointer(all) // its methods include those of the value
		}
		if n := types.NewMethodSet(all).Len(); n > maxMethods {
			out = append(out, fmt.Sprintf("%s: %s has %d methods, promoted ones included: more than %d", c.at(typ.Pos()), name, n, maxMethods))
		}
	}
	return out
}

// decisions are the places where a package judges what it was given: errors of kind invalid, limits, lengths.
func (c checked) decisions() []string {
	var out []string
	found := func(n ast.Node, format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: %s: that is for paas or control", c.at(n.Pos()), fmt.Sprintf(format, args...)))
	}
	for _, f := range c.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if obj := c.info.Defs[n]; obj != nil && isLimit(obj) {
					found(n, "has the limit %s", obj.Name())
				}
				if obj := c.info.Uses[n]; obj != nil && obj.Pkg() != nil {
					switch name := obj.Pkg().Path() + "." + obj.Name(); name {
					case module + "/paas.Invalidf", "io.LimitReader", "net/http.MaxBytesReader":
						found(n, "calls %s", strings.TrimPrefix(name, module+"/"))
					}
				}
			case *ast.CompositeLit:
				if kind := c.errorKind(n); kind == "Invalid" || kind == "TooLarge" {
					found(n, "makes an error of kind paas.%s", kind)
				}
			case *ast.BinaryExpr:
				if limit := c.comparedLength(n); limit > 1 {
					found(n, "compares a length with %d", limit)
				}
			}
			return true
		})
	}
	return out
}

// isLimit goes by the name that limits have here.
func isLimit(obj types.Object) bool {
	switch obj.(type) {
	case *types.Const, *types.Var:
		basic, ok := obj.Type().Underlying().(*types.Basic)
		if !ok || basic.Info()&types.IsNumeric == 0 || obj.Parent() == nil { // fields have no scope: they carry what others decided
			return false
		}
		for _, prefix := range []string{"max", "min", "most", "least"} {
			rest, ok := strings.CutPrefix(strings.ToLower(obj.Name()[:1])+obj.Name()[1:], prefix)
			if ok && rest != "" && strings.ToUpper(rest[:1]) == rest[:1] {
				return true
			}
		}
	}
	return false
}

// errorKind is the constant that a paas.Error is made with, "" for anything else.
func (c checked) errorKind(lit *ast.CompositeLit) string {
	if t := c.info.Types[lit].Type; t == nil || t.String() != module+"/paas.Error" {
		return ""
	}
	for _, e := range lit.Elts {
		field, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if name, ok := field.Key.(*ast.Ident); !ok || name.Name != "Kind" {
			continue
		}
		if kind, ok := field.Value.(*ast.SelectorExpr); ok {
			return kind.Sel.Name
		}
	}
	return ""
}

// comparedLength is the number that an ordered comparison sets len(x) against, 0 for any other expression.
func (c checked) comparedLength(e *ast.BinaryExpr) int64 {
	switch e.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
	default:
		return 0
	}
	for _, side := range [][2]ast.Expr{{e.X, e.Y}, {e.Y, e.X}} {
		call, ok := ast.Unparen(side[0]).(*ast.CallExpr)
		if !ok {
			continue
		}
		value := c.info.Types[side[1]].Value
		if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "len" && value != nil {
			n, _ := constant.Int64Val(constant.ToInt(value))
			return n
		}
	}
	return 0
}

func (c checked) at(pos token.Pos) string {
	p := c.fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line)
}
