package git

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/paas"
)

// What a failed deployment does to its branch is a choice between two evils. When the branch stays, git says
// "Everything up-to-date" to the second try of the same commit, and the first one is reported as refused although the
// remote has it: the commonest reasons to try again (a variable that was missing, a registry that was away) need no new
// commit. So the branch goes back to where it was, as with remotes that build before they accept, unless it was moved
// since; the commit is kept below refs/cloudsania/failed/. The price: for the minutes of a deployment, a fetch sees a
// commit that may yet disappear from the branch.
//
// A note of what to undo is stored together with the new references, so that it survives a kill of the server. One that
// was killed before it knew the deployment's id takes the push back, which was never reported as successful; should the
// deployment have been queued in that last millisecond, it goes its way all the same, and the same commit can be pushed
// again. When a later push has moved the branch, its note takes over where to go back to: never to a commit that did
// not go live either. An atomic push is atomic in what it stores; the fate of the deployment concerns the deploy branch
// alone.

const (
	noteRefs   = ownRefs + "push/"
	failedRefs = ownRefs + "failed/"
	maxFailed  = 20 // failed commits kept in a repository
)

// note is one deployment that a branch waits for.
type note struct {
	id       string // dep_…; psh_… from before the deployment has an id
	branch   string
	old, new plumbing.Hash
}

func (n note) name(side string) string { return noteRefs + n.id + "/" + side + "/" + n.branch }

func (n note) changes(add bool) []change {
	var list []change
	for side, h := range map[string]plumbing.Hash{"new": n.new, "old": n.old} {
		c := change{name: n.name(side), new: h}
		if !add {
			c.old, c.new = c.new, c.old
		}
		if !h.IsZero() {
			list = append(list, c)
		}
	}
	return list
}

func (n note) add() []change    { return n.changes(true) }
func (n note) remove() []change { return n.changes(false) }

// notes reads the notes of a repository.
func (all refs) notes() map[string]note {
	found := map[string]note{}
	for name, h := range all {
		rest, ok := strings.CutPrefix(name, noteRefs)
		if !ok {
			continue
		}
		id, rest, _ := strings.Cut(rest, "/")
		side, branch, _ := strings.Cut(rest, "/")
		n := found[id]
		n.id, n.branch = id, branch
		switch side {
		case "new":
			n.new = h
		case "old":
			n.old = h
		}
		found[id] = n
	}
	return found
}

// undo are the changes for a note whose commit did not go live: the branch goes back if it still stands where the note
// put it, or the push that moved it since takes over this note's way back; the commit is kept.
func (n note) undo(all refs) []change {
	list := n.remove()
	moved := all[branchPrefix+n.branch] != n.new
	for _, other := range all.notes() {
		if other.branch != n.branch || other.id == n.id {
			continue
		}
		if other.new == n.new && other.id > n.id { // the same commit was pushed again: the branch is that note's now
			moved = true
		}
		if other.old == n.new && other.id > n.id {
			list = append(list, change{other.name("old"), other.old, n.old})
		}
	}
	if !moved {
		list = append(list, change{branchPrefix + n.branch, n.new, n.old})
	}
	if strings.HasPrefix(n.id, "dep_") {
		list = append(list, n.keep(all)...)
	}
	return list
}

// keep stores the failed commit and lets go of the oldest ones.
func (n note) keep(all refs) []change {
	var kept []string
	for name := range all {
		if strings.HasPrefix(name, failedRefs) {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept) // deployments' ids sort by age
	var list []change
	for _, name := range kept[:max(0, len(kept)-maxFailed+1)] {
		list = append(list, change{name: name, old: all[name]})
	}
	return append(list, change{name: failedRefs + n.id, new: n.new})
}

// settle ends the note of a deployment. It tells whether the branch went back, and is fine to call twice.
func (s *Server) settle(ctx context.Context, repo *repo, app, id string, live bool) (back bool, err error) {
	release, err := s.refLocks.Acquire(ctx, app)
	if err != nil {
		return false, err
	}
	defer release()
	all, err := repo.refs()
	if err != nil {
		return false, err
	}
	n, ok := all.notes()[id]
	if !ok {
		return false, nil
	}
	if live {
		return false, repo.update(n.remove())
	}
	changes := n.undo(all)
	back = slices.ContainsFunc(changes, func(c change) bool { return c.name == branchPrefix+n.branch })
	return back, repo.update(changes)
}

// settleLeft takes up the notes that an earlier process left.
func (s *Server) settleLeft(ctx context.Context, app string) {
	repo, err := s.existing(app)
	if err != nil {
		s.log.Error("repository could not be opened", "app", app, "err", err)
		return
	}
	all, err := repo.refs()
	if err != nil {
		s.log.Error("references could not be read", "app", app, "err", err)
		return
	}
	notes := all.notes()
	for _, id := range slices.Sorted(maps.Keys(notes)) {
		live, err := s.outcome(ctx, id)
		if err == nil {
			_, err = s.settle(ctx, repo, app, id, live)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("deployment of an earlier push could not be settled", "app", app, "deployment", id, "err", err)
		}
	}
}

// outcome waits for a deployment. One that was never queued, or is not known any more, did not go live.
func (s *Server) outcome(ctx context.Context, id string) (live bool, err error) {
	if !paas.IsID("dep", id) {
		return false, nil
	}
	final, _, err := s.deployer.Follow(ctx, id, func(string) {})
	if paas.IsKind(err, paas.NotFound) {
		return false, nil
	}
	return final.Status == paas.Succeeded, err
}

// follow shows the deployment to the client and, whether it stays or not, settles it. On failure the deploy branch's
// command is reported as refused: that is what makes git, and scripts around it, fail.
func (p *push) follow(ctx context.Context, d *deployment, verdicts []verdict) {
	why := p.await(ctx, d)
	if why == "" {
		return
	}
	for i := range verdicts {
		if verdicts[i].name == branchPrefix+p.branch {
			verdicts[i].reason = why
		}
	}
}

// await returns why the deployment did not go live, or "".
func (p *push) await(ctx context.Context, d *deployment) string {
	if d.err != nil {
		p.s.log.Error("deployment of a push could not be queued", "app", p.app.ID, "err", d.err)
		p.out.explain(d.err)
		return "deploy not started: " + paas.Public(d.err).Msg
	}
	ctx, cancel := p.s.outlive(ctx)
	defer cancel()
	final, url, err := p.s.deployer.Follow(ctx, d.id, p.out.say)
	if err != nil && p.s.life.Err() != nil {
		p.out.say("Cloudsania is restarting; the deployment goes on. look at its page, or push again later")
		return "the server is restarting; the outcome is on the app's page"
	}
	if err != nil {
		p.s.log.Error("deployment of a push could not be followed", "app", p.app.ID, "deployment", d.id, "err", err)
		p.out.explain(err)
		return "the deployment could not be followed: " + paas.Public(err).Msg
	}
	back, err := p.s.settle(ctx, p.repo, p.app.ID, d.id, final.Status == paas.Succeeded)
	if err != nil {
		p.s.log.Error("deployment of a push could not be settled", "app", p.app.ID, "deployment", d.id, "err", err)
	}
	if final.Status == paas.Succeeded {
		p.out.say(fmt.Sprintf("v%d is live: %s", final.Number, url))
		return ""
	}
	return p.failure(final, d.commit, back)
}

// failure explains how a deployment ended without going live and returns the same in a few words.
func (p *push) failure(final paas.Deployment, commit plumbing.Hash, back bool) string {
	err := &paas.Error{Kind: paas.Failed, Msg: fmt.Sprintf("the deployment ended as %q", final.Status)}
	reason := "deploy failed"
	switch final.Status {
	case paas.Superseded:
		err.Msg = "a newer deployment took this one's place before it began"
		err.Hint = "nothing to do: the newer one goes live, or says why not"
		reason = "superseded"
	case paas.StatusCancelled:
		err.Msg, reason = "the deployment was cancelled", "deploy cancelled"
	case paas.Interrupted:
		err.Msg, err.Hint = "the deployment was interrupted by a restart of Cloudsania", "push again"
	}
	if f := final.Failure; f != nil && final.Status != paas.Superseded {
		err.Msg, err.Hint = f.Message, f.Hint
	}
	p.out.explain(err)
	stays := "what was live before is untouched"
	if f := final.Failure; f != nil && f.StillServing != "" {
		stays = f.StillServing
	}
	p.out.say(stays)
	if back {
		p.out.say(fmt.Sprintf("%s is back where it was, so that %s can be pushed again", p.branch, commit.String()[:shortHash]))
	}
	return reason + ": " + err.Msg
}

const shortHash = 7

func cutBranch(name string) (string, bool) { return strings.CutPrefix(name, branchPrefix) }
