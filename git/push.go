package git

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/cloudsania/cloudsania/paas"
)

// maxCommandBytes is room for commands and options before the pack.
const maxCommandBytes = 8 << 20

// receive answers a push.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, repo *repo, app App, actor paas.Actor) {
	// When we refuse a pack in its middle, the answer goes out while the client still sends.
	_ = http.NewResponseController(w).EnableFullDuplex()
	in, err := newBody(w, r, s.o.MaxPackBytes+maxCommandBytes, s.o.Stall)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q, err := readRequest(in, s.o.MaxRefs)
	if err != nil {
		s.fail(w, r, err)
		in.drain(maxDrainBytes, maxDrain)
		return
	}
	out := newReply(w, q, s.o.Stall)
	if len(q.commands) == 0 {
		w.WriteHeader(http.StatusOK)
		return
	}
	p := &push{s: s, repo: repo, app: app, actor: actor, request: q, in: in, out: out}
	if err := p.run(r.Context()); err != nil {
		if r.Context().Err() == nil {
			s.log.Info("push refused", "app", app.ID, "actor", actor.ID, "err", err)
		}
		p.out.explain(err)
		p.refuse(err)
		in.drain(maxDrainBytes, maxDrain)
	}
}

const (
	maxDrainBytes = 256 << 20
	maxDrain      = 20 * time.Second
)

// push is one in progress: pack into quarantine, checks, then under the app's lock the references, then the deployment.
type push struct {
	s       *Server
	repo    *repo
	app     App
	actor   paas.Actor
	request *request
	in      *body
	out     *reply
	branch  string // deploy branch
}

// refuse reports that nothing was stored.
func (p *push) refuse(err error) {
	why := paas.Public(err).Msg
	verdicts := make([]verdict, len(p.request.commands))
	for i, c := range p.request.commands {
		verdicts[i] = verdict{c, "not stored: " + why}
	}
	p.out.report(why, verdicts)
}

// run does the push and reports. An error means that nothing was changed and nothing reported.
func (p *push) run(ctx context.Context) error {
	release, err := p.s.slot(ctx)
	if err != nil {
		return err
	}
	q, err := p.receivePack(ctx)
	release()
	if err != nil {
		return err
	}
	defer func() {
		if err := q.remove(); err != nil {
			p.s.log.Warn("quarantine of a push could not be removed", "app", p.app.ID, "err", err)
		}
	}()
	defer p.out.keepAlive(ctx, p.s.o.Keepalive)()
	types, err := p.inspect(ctx, q)
	if err != nil {
		return err
	}
	verdicts, dep, err := p.store(ctx, q, types)
	if err != nil {
		return err
	}
	p.remark(verdicts)
	if dep != nil {
		p.follow(ctx, dep, verdicts)
	}
	p.out.report("ok", verdicts)
	return nil
}

// receivePack reads the request to its end. The quarantine that it returns is empty for a push of nothing but
// deletions.
func (p *push) receivePack(ctx context.Context) (*quarantine, error) {
	q, err := p.s.quarantine(p.repo)
	if err != nil {
		return nil, err
	}
	if p.request.hasPack() {
		err = q.receive(ctx, p.in, p.s.o.MaxPackBytes, p.request.shallow)
	} else {
		err = p.in.finish()
	}
	if err != nil {
		return nil, errors.Join(err, q.remove())
	}
	return q, nil
}

// inspect looks at what was sent, without the lock because it takes time in large repositories.
func (p *push) inspect(ctx context.Context, q *quarantine) (objectTypes, error) {
	var news []plumbing.Hash
	for _, c := range p.request.commands {
		if !c.new.IsZero() {
			news = append(news, c.new)
		}
	}
	types, err := q.types(ctx, news)
	if err != nil {
		return nil, err
	}
	news = slices.DeleteFunc(news, func(h plumbing.Hash) bool { return types[h].own == "" }) // judge speaks about those
	return types, q.connected(ctx, news, p.request.shallow)
}

// deployment is a push's share in one: what to follow, and what to undo if it fails.
type deployment struct {
	id     string // dep_…; "" when it could not be queued, and then err says why
	err    error
	commit plumbing.Hash
}

// store changes references under the app's lock and queues the deployment, if the deploy branch is among them. Queueing
// happens under the lock because the newest push must be the newest deployment too; it takes a moment, while the
// deployment is followed without it.
func (p *push) store(ctx context.Context, q *quarantine, types objectTypes) ([]verdict, *deployment, error) {
	release, err := p.s.refLocks.Acquire(ctx, p.app.ID)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	all, err := p.repo.refs()
	if err != nil {
		return nil, nil, err
	}
	p.branch = deployBranch(p.app.Branch, all)
	verdicts := judge(all, p.request.commands, types, p.branch, p.s.o.MaxRefs, p.request.caps["atomic"])
	changes, after := accepted(all, verdicts)
	if len(changes) == 0 {
		return verdicts, nil, nil
	}
	p.branch = deployBranch(p.app.Branch, after)
	if err := ctx.Err(); err != nil {
		return nil, nil, err // the client has gone without an answer: nothing was changed, and nothing will be
	}
	if err := q.migrate(); err != nil {
		return nil, nil, err
	}
	live := slices.IndexFunc(changes, func(c change) bool { return c.name == branchPrefix+p.branch })
	if live < 0 || p.skipped() {
		if err := p.repo.update(changes); err != nil {
			return nil, nil, err
		}
		p.tidy(after)
		return verdicts, nil, nil
	}
	dep, err := p.deploy(ctx, changes, changes[live])
	if err != nil {
		return nil, nil, err
	}
	p.tidy(after)
	return verdicts, dep, nil
}

// accepted turns verdicts into changes, and what the references will be.
func accepted(all refs, verdicts []verdict) ([]change, refs) {
	after := make(refs, len(all))
	for name, h := range all {
		after[name] = h
	}
	var changes []change
	for _, v := range verdicts {
		if v.reason != "" {
			continue
		}
		changes = append(changes, change(v.command))
		if v.new.IsZero() {
			delete(after, v.name)
		} else {
			after[v.name] = v.new
		}
	}
	return changes, after
}

// tidy does what follows a change of references and may fail without harm.
func (p *push) tidy(after refs) {
	if !after[branchPrefix+p.branch].IsZero() {
		if err := p.repo.setHead(p.branch); err != nil {
			p.s.log.Warn("HEAD could not be set", "app", p.app.ID, "err", err)
		}
	}
	if p.repo.packs() > maxPacks {
		select {
		case p.s.crowded <- p.app.ID:
		default: // the next push asks again
		}
	}
	p.s.log.Info("push stored", "app", p.app.ID, "actor", p.actor.ID, "references", len(p.request.commands))
}

// deploy stores the references together with a note of what the deployment may have to undo, and queues it.
func (p *push) deploy(ctx context.Context, changes []change, live change) (*deployment, error) {
	message, author, err := p.s.info(ctx, p.repo, live.new.String())
	if err != nil {
		return nil, err
	}
	note := note{id: paas.NewID("psh"), branch: p.branch, old: live.old, new: live.new}
	if err := p.repo.update(append(changes, note.add()...)); err != nil {
		return nil, err
	}
	ctx, cancel := p.s.outlive(ctx) // from here on the push counts, whether the client waits for the answer or not
	defer cancel()
	dep, err := p.s.deployer.Deploy(ctx, p.actor, p.app.ID, paas.Source{
		Kind: paas.SourceGit, Commit: live.new.String(), Branch: p.branch, Message: message, Author: author,
	})
	if err != nil {
		// The other references are stored; only the deploy branch goes back.
		if err := p.undo(note); err != nil {
			p.s.log.Error("deploy branch could not be moved back", "app", p.app.ID, "err", err)
		}
		return &deployment{err: err, commit: live.new}, nil
	}
	named := note
	named.id = dep.ID
	if err := p.repo.update(append(note.remove(), named.add()...)); err != nil {
		// Without the note nothing is undone if it fails: the branch then stays at what was pushed.
		p.s.log.Error("deployment could not be noted in the repository", "app", p.app.ID, "deployment", dep.ID, "err", err)
	}
	return &deployment{id: dep.ID, commit: live.new}, nil
}

// undo moves the deploy branch back. The caller holds the lock.
func (p *push) undo(n note) error {
	all, err := p.repo.refs()
	if err != nil {
		return err
	}
	return p.repo.update(n.undo(all))
}

const skipDeploy = "skip-deploy"

func (p *push) skipped() bool { return slices.Contains(p.request.options, skipDeploy) }

// remark tells what was stored without going live, and what was asked for in vain.
func (p *push) remark(verdicts []verdict) {
	for _, o := range p.request.options {
		if o != skipDeploy {
			p.out.say(fmt.Sprintf("the push option %q is not known and was ignored; %q is the only one", paas.Clip(o, 60), skipDeploy))
		}
	}
	for _, v := range verdicts {
		name, isBranch := cutBranch(v.name)
		switch {
		case v.reason != "" || !isBranch || v.new.IsZero():
		case name == p.branch && p.skipped():
			p.out.say(fmt.Sprintf("%s is stored, and not deployed because of the push option %q", name, skipDeploy))
		case name != p.branch:
			p.out.say(fmt.Sprintf("%s is stored; only %s goes live. to deploy it: git push REMOTE %s:%s", name, p.branch, name, p.branch))
		}
	}
}
