package git

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/paas"
)

// checkRef tells in plain words why a name cannot be a branch's or tag's, or "".
func checkRef(name string) string {
	switch {
	case !strings.HasPrefix(name, branchPrefix) && !strings.HasPrefix(name, tagPrefix):
		return "only branches and tags are kept here"
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.C, r) || unicode.Is(unicode.Z, r) }):
		return "the name has characters that are not allowed"
	case name == branchPrefix+"HEAD" || plumbing.ReferenceName(name).Validate() != nil:
		return "the name is not a valid one"
	}
	return ""
}

// objectTypes says what the new side of each command is: its own type, and the one behind it when it is a tag.
type objectTypes map[plumbing.Hash]struct{ own, peeled string }

// judge decides on each command against the references as they are; it changes nothing. branch is the deploy branch.
// With atomic one refusal refuses all.
func judge(all refs, commands []command, types objectTypes, branch string, limit int, atomic bool) []verdict {
	j := newJudge(all, types, branch, limit)
	verdicts := make([]verdict, len(commands))
	bad := false
	for _, deletions := range []bool{true, false} { // so that a/b can take the place of a in one push
		for i, c := range commands {
			if c.new.IsZero() == deletions {
				verdicts[i] = verdict{c, j.decide(c)}
				bad = bad || verdicts[i].reason != ""
			}
		}
	}
	for i := range verdicts {
		if atomic && bad && verdicts[i].reason == "" {
			verdicts[i].reason = "refused because another part of the atomic push was"
		}
	}
	return verdicts
}

// judging keeps what the references would be after the commands so far.
type judging struct {
	all    refs
	dirs   map[string]int // "refs/heads/a" → how many references lie below it
	types  objectTypes
	branch string
	limit  int
	count  int // branches and tags
}

func newJudge(all refs, types objectTypes, branch string, limit int) *judging {
	j := &judging{all: make(refs, len(all)), dirs: map[string]int{}, types: types, branch: branch, limit: limit}
	for _, name := range all.visible() {
		j.set(name, all[name])
	}
	return j
}

func (j *judging) set(name string, to plumbing.Hash) {
	by := 0
	switch had := !j.all[name].IsZero(); {
	case had && to.IsZero():
		by = -1
	case !had && !to.IsZero():
		by = 1
	}
	j.count += by
	for dir := range parents(name) {
		j.dirs[dir] += by
	}
	if to.IsZero() {
		delete(j.all, name)
		return
	}
	j.all[name] = to
}

// parents yields "refs/heads/a" and "refs/heads/a/b" for "refs/heads/a/b/c", and those above.
func parents(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range len(name) {
			if name[i] == '/' && !yield(name[:i]) {
				return
			}
		}
	}
}

// decide returns why a command is refused, or "" and lets it count for those that follow.
func (j *judging) decide(c command) string {
	if why := checkRef(c.name); why != "" {
		return why
	}
	if j.all[c.name] != c.old {
		return "the remote has changed meanwhile; fetch, then push again"
	}
	why := ""
	switch {
	case c.new.IsZero():
		why = j.deletion(c)
	case c.old.IsZero():
		why = j.creation(c)
	default:
		why = j.object(c)
	}
	if why == "" {
		j.set(c.name, c.new)
	}
	return why
}

func (j *judging) deletion(c command) string {
	switch c.name {
	case branchPrefix + j.branch:
		return fmt.Sprintf("%s is the branch that is live and cannot be deleted; push another commit to it instead", j.branch)
	default:
		if c.old.IsZero() {
			return "there is no such branch or tag"
		}
	}
	return ""
}

func (j *judging) creation(c command) string {
	if j.count >= j.limit {
		return fmt.Sprintf("the repository already has %d branches and tags", j.limit)
	}
	if j.dirs[c.name] > 0 {
		return "a name below this one is in use"
	}
	for dir := range parents(c.name) {
		if !j.all[dir].IsZero() {
			return fmt.Sprintf("%s is in use, so nothing can be below it", paas.Clip(dir, 60))
		}
	}
	return j.object(c)
}

// object refuses what cannot be built: branches hold commits, tags hold commits or tags of commits.
func (j *judging) object(c command) string {
	t, ok := j.types[c.new]
	switch {
	case !ok || t.own == "":
		return "its object was not sent"
	case strings.HasPrefix(c.name, branchPrefix) && t.own != "commit":
		return fmt.Sprintf("a branch holds commits, and this is a %s; push the commit itself", t.own)
	case t.peeled != "commit":
		return fmt.Sprintf("only commits can be tagged, and this is a %s", t.peeled)
	}
	return ""
}
