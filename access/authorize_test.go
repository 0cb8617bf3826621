package access

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

// The policy in other words than the rules: per action, for each column, the answers for the own, the other client's
// and the absent resource. y allowed, 1 unauthenticated, 3 forbidden, 4 not found.
const matrix = `
action             anonymous claim user token root
health.read        yyy       yyy   yyy  yyy   yyy
docs.read          yyy       yyy   yyy  yyy   yyy
session.start      yyy       111   yyy  333   333
claim.try          yyy       111   333  333   yyy
git.open           yyy       111   yyy  yyy   yyy
owner.create       111       yyy   333  333   yyy
claim.issue        111       111   333  333   yyy
self.read          111       111   yyy  yyy   yyy
self.update        111       111   y44  344   444
session.list       111       111   y44  344   444
session.revoke     111       111   y44  344   444
system.read        111       111   y44  y44   yy4
event.verify       111       111   y44  y44   yy4
token.list         111       111   y44  344   yy4
token.create       111       111   y44  344   yy4
token.revoke       111       111   y44  344   yy4
app.list           111       111   yyy  yyy   yyy
event.list         111       111   yyy  yyy   yyy
source.detect      111       111   yyy  yyy   yyy
app.create         111       111   y44  y44   yy4
app.read           111       111   y44  y44   yy4
app.update         111       111   y44  y44   yy4
app.delete         111       111   y44  y44   yy4
event.read         111       111   y44  y44   yy4
deployment.read    111       111   y44  y44   yy4
deployment.create  111       111   y44  y44   yy4
deployment.cancel  111       111   y44  y44   yy4
release.read       111       111   y44  y44   yy4
release.rollback   111       111   y44  y44   yy4
variable.read      111       111   y44  y44   yy4
variable.write     111       111   y44  y44   yy4
log.read           111       111   y44  y44   yy4
git.read           111       111   y44  y44   yy4
git.write          111       111   y44  y44   yy4
`

var (
	ownPath   = paas.Path{Team: "tea_1", Client: "cli_1", Project: "prj_1", App: "app_1"}
	otherPath = paas.Path{Team: "tea_2", Client: "cli_2", Project: "prj_2", App: "app_2"}
	resources = []Resource{
		{Kind: "app", Asked: "thing", Path: ownPath, Owner: "usr_1"},
		{Kind: "app", Asked: "thing", Path: otherPath, Owner: "usr_2"},
		Absent("app", "thing"),
	}
	columns = map[string]Principal{
		"anonymous": {},
		"claim":     {Kind: Claim},
		"user":      {Kind: User, ID: "usr_1", User: "usr_1", Role: paas.Owner, Scope: paas.Path{Team: "tea_1"}},
		"token":     {Kind: Token, ID: "tok_1", User: "usr_1", Scope: paas.Path{Team: "tea_1"}},
		"root":      {Kind: Root},
	}
)

func verdict(err error) byte {
	for kind, letter := range map[paas.Kind]byte{paas.Unauthenticated: '1', paas.Forbidden: '3', paas.NotFound: '4'} {
		if paas.IsKind(err, kind) {
			return letter
		}
	}
	if err != nil {
		return '?'
	}
	return 'y'
}

// check holds the rules against the matrix and returns the differences.
func check(rules map[Action]rule) (wrong []string) {
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	head := strings.Fields(lines[0])
	seen := map[Action]bool{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		action := Action(cells[0])
		seen[action] = true
		for i, want := range cells[1:] {
			for j, r := range resources {
				if got := verdict(authorize(rules, columns[head[i+1]], action, r)); got != want[j] {
					wrong = append(wrong, fmt.Sprintf("%s by %s on resource %d: %c, want %c", action, head[i+1], j, got, want[j]))
				}
			}
		}
	}
	for a := range rules {
		if !seen[a] {
			wrong = append(wrong, fmt.Sprintf("%s is not in the matrix", a))
		}
	}
	return wrong
}

func TestEveryActionByEveryPrincipal(t *testing.T) {
	for _, w := range check(rules) {
		t.Error(w)
	}
}

// Each single change of a rule must be noticed: otherwise the matrix would not prove what it says.
func TestMatrixNoticesEveryMutation(t *testing.T) {
	cells := []func(*rule) *reach{
		func(r *rule) *reach { return &r.anonymous }, func(r *rule) *reach { return &r.claim }, func(r *rule) *reach { return &r.user },
		func(r *rule) *reach { return &r.token }, func(r *rule) *reach { return &r.root },
	}
	mutants := 0
	for action := range rules {
		without := maps.Clone(rules)
		delete(without, action)
		if len(check(without)) == 0 {
			t.Errorf("no test fails when the rule for %s is gone", action)
		}
		for i, cell := range cells {
			// never against something is the mutation that matters; own and within of other columns are told apart by
			// the user's column.
			changed := maps.Clone(rules)
			r := changed[action]
			if *cell(&r) == never {
				*cell(&r) = anywhere
			} else {
				*cell(&r) = never
			}
			changed[action] = r
			mutants++
			if len(check(changed)) == 0 {
				t.Errorf("no test fails for a flipped cell %d of %s", i, action)
			}
			if *cell(&r) = rules[action].of(columns[[]string{"anonymous", "claim", "user", "token", "root"}[i]]); *cell(&r) == within {
				*cell(&r) = anywhere
				changed[action] = r
				mutants++
				if len(check(changed)) == 0 {
					t.Errorf("no test fails when cell %d of %s ignores the scope", i, action)
				}
			}
		}
	}
	if mutants < len(rules)*len(cells) {
		t.Fatalf("only %d mutants", mutants)
	}
}

func TestEveryConstantHasARule(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "action.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != "Action" {
			return true
		}
		text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		declared++
		if _, ok := rules[Action(text)]; !ok {
			t.Errorf("%s has no rule", spec.Names[0].Name)
		}
		return true
	})
	if declared != len(rules) {
		t.Errorf("%d constants, %d rules", declared, len(rules))
	}
}

// scoped are the actions that are about an app.
func appActions() []Action {
	var out []Action
	for a, r := range rules {
		if r.token == within {
			out = append(out, a)
		}
	}
	return out
}

func TestTokens(t *testing.T) {
	tok := func(scope paas.Path, actions ...Action) Principal {
		return Principal{Kind: Token, User: "usr_1", Scope: scope, Actions: actions}
	}
	sibling := ownPath
	sibling.App = "app_9"
	for _, a := range appActions() {
		others := slices.DeleteFunc(Actions(), func(b Action) bool { return a == b })
		tests := []struct {
			name string
			p    Principal
			path paas.Path
			want byte
		}{
			{"scope of the very app", tok(ownPath), ownPath, 'y'},
			{"scope of the project", tok(paas.Path{Team: "tea_1", Client: "cli_1", Project: "prj_1"}), ownPath, 'y'},
			{"only this action", tok(ownPath, a), ownPath, 'y'},
			{"every other action", tok(ownPath, others...), ownPath, '3'},
			{"every other action, foreign", tok(ownPath, others...), sibling, '4'},
			{"scope of another app of the project", tok(sibling), ownPath, '4'},
			{"scope of another client", tok(paas.Path{Team: "tea_1", Client: "cli_2"}), ownPath, '4'},
			{"above its scope", tok(ownPath), paas.Path{Team: "tea_1"}, '4'},
			{"no scope at all", tok(paas.Path{}), ownPath, '4'},
			{"a scope without a team", tok(paas.Path{App: "app_1"}), ownPath, '4'},
			{"a resource without a team", tok(paas.Path{Team: "tea_1"}), paas.Path{App: "app_1"}, '4'},
		}
		for _, tt := range tests {
			if got := verdict(Authorize(tt.p, a, Resource{Kind: "app", Asked: "x", Path: tt.path})); got != tt.want {
				t.Errorf("%s, %s: %c, want %c", a, tt.name, got, tt.want)
			}
		}
	}
}

func TestOddPrincipalsGetNothing(t *testing.T) {
	for _, p := range []Principal{
		{Kind: User, ID: "usr_1", User: "usr_1", Scope: paas.Path{Team: "tea_1"}},                            // without a role
		{Kind: User, ID: "usr_1", User: "usr_1", Role: "guest", Scope: paas.Path{Team: "tea_1"}},             // with an unknown one
		{Kind: "admin", ID: "usr_1", User: "usr_1", Role: paas.Owner, Scope: paas.Path{Team: "tea_1"}},       // of an unknown kind
		{Kind: User, ID: "usr_2", User: "usr_2", Role: paas.Owner, Scope: paas.Path{}},                       // without a scope
		{Kind: Token, ID: "tok_1", Scope: paas.Path{Team: "tea_1"}, Actions: []Action{"no.such", "app.reа"}}, // of unknown actions
	} {
		for _, a := range Actions() {
			public := rules[a].anonymous != never
			unscoped := rules[a].user == anywhere
			if err := Authorize(p, a, resources[0]); err == nil && !public && !(unscoped && p.Role == paas.Owner) {
				t.Errorf("%s by %+v is allowed", a, p)
			}
		}
	}
	for name, p := range columns {
		if err := Authorize(p, "app.destroy", resources[0]); err == nil {
			t.Errorf("an unknown action by %s is allowed", name)
		}
		if err := Authorize(p, "", Resource{}); err == nil {
			t.Errorf("no action at all by %s is allowed", name)
		}
	}
}

func TestForeignReadsLikeAbsent(t *testing.T) {
	for _, p := range []Principal{columns["user"], columns["token"]} {
		for _, a := range appActions() {
			foreign, absent := Authorize(p, a, resources[1]), Authorize(p, a, resources[2])
			var f, m *paas.Error
			if !errors.As(foreign, &f) || !errors.As(absent, &m) || *f != *m {
				t.Errorf("%s: %v and %v differ", a, foreign, absent)
			}
		}
	}
}

func TestGrantable(t *testing.T) {
	got := Grantable()
	for _, a := range []Action{TokenCreate, OwnerCreate, ClaimIssue, SelfUpdate, SessionStart, HealthRead} {
		if slices.Contains(got, a) {
			t.Errorf("%s can be granted", a)
		}
	}
	for _, a := range []Action{GitWrite, AppRead, DeploymentCreate, AppList} {
		if !slices.Contains(got, a) {
			t.Errorf("%s cannot be granted", a)
		}
	}
}
