package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloudsania/cloudsania/paas"
)

// ErrFinished is in the chain of the Conflict that a change of a finished deployment gives.
var ErrFinished = errors.New("the deployment has ended")

const (
	maxFailureLines = 200
	maxLineRunes    = 2000
	maxStepsKept    = 200
)

// QueueDeployment records that src shall go live at target. Deployments of the same target that still wait are superseded; their ids are
// returned. Newer code that waits is not lost to a change of configuration: the new deployment brings both.
func (t *Tx) QueueDeployment(target paas.Target, src paas.Source) (dep paas.Deployment, superseded []string, err error) {
	if max(len(src.URL), len(src.Branch), len(src.Commit), len(src.Upload), len(src.Build), len(src.Release)) > maxSettingBytes {
		return dep, nil, paas.Invalidf("source", "", "the source is described in more than %d characters", maxSettingBytes)
	}
	if _, err := t.AppEnvironment(target); err != nil {
		return dep, nil, err
	}
	kind, intent := src.KindOf()
	waiting, err := t.supersede(target)
	if err != nil {
		return dep, nil, err
	}
	for _, w := range waiting {
		superseded = append(superseded, w.ID)
		if kind == paas.DeployConfiguration && w.Intent.NewestSource {
			kind, intent, src = w.Kind, w.Intent.Merge(intent), w.Source // the newer code that waits is not lost
		}
	}
	dep, err = t.queue(paas.Deployment{App: target.App, Environment: target.Environment, Kind: kind, Intent: intent, Source: src})
	return dep, superseded, err
}

// BeginDeployment takes a queued deployment up. On a running one, after a restart, it puts the step back to queued, so that the steps show
// how often it was begun. ErrFinished when it has ended meanwhile.
func (t *Tx) BeginDeployment(id string) error {
	dep, err := t.unfinished(id)
	if err != nil {
		return err
	}
	if dep.Status == paas.Running {
		t.step(&dep.Work, paas.StepQueued)
		return t.putDeployment(dep)
	}
	dep.Status = paas.Running
	if err := t.putDeployment(dep); err != nil {
		return err
	}
	return t.as(dep.Actor).deploymentEvent(dep, paas.DeploymentStarted{Environment: dep.Environment})
}

// RecordStep writes down that a step begins, before anything of it is done. The step that a deployment is at is not repeated.
func (t *Tx) RecordStep(id string, step paas.Step) error {
	dep, err := t.running(id)
	if err != nil || dep.Step == step {
		return err
	}
	t.step(&dep.Work, step)
	return t.putDeployment(dep)
}

// FinishDeployment records how a deployment ended. Ending it the same way once more is fine, another way is ErrFinished.
func (t *Tx) FinishDeployment(id string, status paas.Status, failure *paas.Failure) error {
	if !status.Done() {
		return fmt.Errorf("finish deployment: %q is no end", status)
	}
	dep, err := t.Deployment(id)
	if err != nil {
		return err
	}
	if dep.Status == status {
		return nil
	}
	if dep.Status.Done() {
		return finished(dep)
	}
	return t.as(dep.Actor).finish(dep, status, failure)
}

// Deployment by id.
func (t *Tx) Deployment(id string) (paas.Deployment, error) {
	return get[paas.Deployment](t, deploymentBucket, id)
}

// Deployments of a target, the newest first; limit 0 is 50.
func (t *Tx) Deployments(target paas.Target, limit int) ([]paas.Deployment, error) {
	if limit <= 0 {
		limit = 50
	}
	return newest[paas.Deployment](t, deploymentOfBucket, path(targetKey(target), ""), deploymentBucket, limit)
}

// Unfinished deployments of all targets, the oldest first.
func (t *Tx) Unfinished() ([]paas.Deployment, error) {
	var out []paas.Deployment
	err := each(t, unfinishedBucket, "", func(_, id string) error {
		dep, err := t.Deployment(id)
		out = append(out, dep)
		return err
	})
	return out, err
}

// step takes note that a step begins.
func (t *Tx) step(w *paas.Work, step paas.Step) {
	w.Step = step
	if len(w.Steps) < maxStepsKept {
		w.Steps = append(w.Steps, paas.StepTime{Step: step, At: t.now})
	}
}

// queue fills dep in and lets it wait.
func (t *Tx) queue(dep paas.Deployment) (_ paas.Deployment, err error) {
	if dep.Life, err = t.born(); err != nil {
		return paas.Deployment{}, err
	}
	dep.ID, dep.Status, dep.Actor, dep.Created = paas.NewID("dep"), paas.Queued, t.by, t.now
	dep.Source.Message, dep.Source.Author = paas.Clip(dep.Source.Message, 200), paas.Clip(dep.Source.Author, 100)
	t.step(&dep.Work, paas.StepQueued)
	target := paas.Target{App: dep.App, Environment: dep.Environment}
	err = errors.Join(
		t.putDeployment(dep),
		t.put(deploymentOfBucket, path(targetKey(target), number(dep.Seq)), dep.ID),
		t.put(unfinishedBucket, number(dep.Seq), dep.ID),
	)
	if err != nil {
		return dep, err
	}
	detail := paas.DeploymentQueued{Environment: dep.Environment, Source: dep.Source.Kind, Commit: dep.Source.Commit}
	return dep, t.deploymentEvent(dep, detail)
}

// supersede ends what still waits at target, and returns it.
func (t *Tx) supersede(target paas.Target) ([]paas.Deployment, error) {
	waiting, err := t.Unfinished()
	if err != nil {
		return nil, err
	}
	waiting = slices.DeleteFunc(waiting, func(d paas.Deployment) bool {
		return d.App != target.App || d.Environment != target.Environment || d.Status != paas.Queued
	})
	for _, dep := range waiting {
		if err := t.finish(dep, paas.Superseded, nil); err != nil {
			return nil, err
		}
	}
	return waiting, nil
}

func (t *Tx) finish(dep paas.Deployment, status paas.Status, failure *paas.Failure) error {
	dep.Status, dep.Failure, dep.Ended = status, clippedFailure(failure), t.now
	if status == paas.Succeeded {
		t.step(&dep.Work, paas.StepDone)
	}
	if err := errors.Join(t.putDeployment(dep), t.delete(unfinishedBucket, number(dep.Seq))); err != nil {
		return err
	}
	detail := paas.DeploymentEnded{Status: status, Environment: dep.Environment, Number: dep.Number}
	if failure != nil {
		detail.Step, detail.Message = failure.Step, failure.Message
	}
	return t.deploymentEvent(dep, detail)
}

func (t *Tx) putDeployment(dep paas.Deployment) error { return t.put(deploymentBucket, dep.ID, dep) }

func (t *Tx) deploymentEvent(dep paas.Deployment, detail paas.EventDetail) error {
	at, err := t.PathIn(paas.Target{App: dep.App, Environment: dep.Environment})
	if err != nil {
		return err
	}
	return t.event(detail, dep.ID, at)
}

// unfinished is a deployment that may still change.
func (t *Tx) unfinished(id string) (paas.Deployment, error) {
	dep, err := t.Deployment(id)
	if err == nil && dep.Status.Done() {
		err = finished(dep)
	}
	return dep, err
}

// running is a deployment that was begun.
func (t *Tx) running(id string) (paas.Deployment, error) {
	dep, err := t.unfinished(id)
	if err == nil && dep.Status != paas.Running {
		err = conflict("", "the deployment %q has not begun", id)
	}
	return dep, err
}

func finished(dep paas.Deployment) error {
	return &paas.Error{Kind: paas.Conflict, Msg: fmt.Sprintf("the deployment has ended already: it is %s", dep.Status), Err: ErrFinished}
}

func clippedFailure(f *paas.Failure) *paas.Failure {
	if f == nil {
		return nil
	}
	out := *f
	out.Message, out.Hint = paas.Clip(f.Message, maxLineRunes), paas.Clip(f.Hint, maxLineRunes)
	out.Lines = slices.Clone(f.Lines[max(0, len(f.Lines)-maxFailureLines):]) // the end says why
	for i, line := range out.Lines {
		out.Lines[i] = paas.Clip(line, maxLineRunes)
	}
	return &out
}
