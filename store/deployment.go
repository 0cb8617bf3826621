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
// returned.
func (t *Tx) QueueDeployment(target paas.Target, src paas.Source) (dep paas.Deployment, superseded []string, err error) {
	if max(len(src.URL), len(src.Branch), len(src.Commit), len(src.Upload), len(src.Build), len(src.Release)) > maxSettingBytes {
		return dep, nil, paas.Invalidf("source", "", "the source is described in more than %d characters", maxSettingBytes)
	}
	if _, err := t.AppEnvironment(target); err != nil {
		return dep, nil, err
	}
	if superseded, err = t.supersede(target); err != nil {
		return dep, nil, err
	}
	dep, err = t.queue(target, src)
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
		dep.step(paas.StepQueued, t)
		return t.putDeployment(dep)
	}
	dep.Status = paas.Running
	if err := t.putDeployment(dep); err != nil {
		return err
	}
	return t.as(dep.Actor).deploymentEvent(dep.Deployment, "deployment.started", nil)
}

// RecordStep writes down that a step begins, before anything of it is done. The step that a deployment is at is not repeated.
func (t *Tx) RecordStep(id string, step paas.Step) error {
	dep, err := t.running(id)
	if err != nil || dep.Step == step {
		return err
	}
	dep.step(step, t)
	return t.putDeployment(dep)
}

// FinishDeployment records how a deployment ended. Ending it the same way once more is fine, another way is ErrFinished.
func (t *Tx) FinishDeployment(id string, status paas.Status, failure *paas.Failure) error {
	if !status.Done() {
		return fmt.Errorf("finish deployment: %q is no end", status)
	}
	dep, err := get[deploymentRecord](t, deploymentBucket, id)
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
	dep, err := get[deploymentRecord](t, deploymentBucket, id)
	return dep.Deployment, err
}

// Deployments of a target, the newest first; limit 0 is 50.
func (t *Tx) Deployments(target paas.Target, limit int) ([]paas.Deployment, error) {
	if limit <= 0 {
		limit = 50
	}
	all, err := newest[deploymentRecord](t, deploymentOfBucket, path(targetKey(target), ""), deploymentBucket, limit)
	return deploymentsIn(all), err
}

// Unfinished deployments of all targets, the oldest first.
func (t *Tx) Unfinished() ([]paas.Deployment, error) {
	all, err := t.allUnfinished()
	return deploymentsIn(all), err
}

// deploymentRecord adds the number that orders deployments of the same millisecond.
type deploymentRecord struct {
	paas.Deployment
	Seq uint64
}

func deploymentsIn(records []deploymentRecord) []paas.Deployment {
	var out []paas.Deployment
	for _, r := range records {
		out = append(out, r.Deployment)
	}
	return out
}

func (d *deploymentRecord) step(step paas.Step, t *Tx) {
	d.Step = step
	if len(d.Steps) < maxStepsKept {
		d.Steps = append(d.Steps, paas.StepTime{Step: step, At: t.now})
	}
}

func (t *Tx) queue(target paas.Target, src paas.Source) (paas.Deployment, error) {
	n, err := t.next()
	if err != nil {
		return paas.Deployment{}, err
	}
	src.Message, src.Author = paas.Clip(src.Message, 200), paas.Clip(src.Author, 100)
	dep := deploymentRecord{Seq: n, Deployment: paas.Deployment{ID: paas.NewID("dep"), App: target.App, Environment: target.Environment,
		Source: src, Status: paas.Queued, Actor: t.by, Created: t.now}}
	dep.step(paas.StepQueued, t)
	err = errors.Join(
		t.putDeployment(dep),
		t.put(deploymentOfBucket, path(targetKey(target), number(n)), dep.ID),
		t.put(unfinishedBucket, number(n), dep.ID),
	)
	if err != nil {
		return dep.Deployment, err
	}
	detail := map[string]string{"source": string(src.Kind), "commit": src.Commit}
	return dep.Deployment, t.deploymentEvent(dep.Deployment, "deployment.queued", detail)
}

// supersede ends what still waits at target.
func (t *Tx) supersede(target paas.Target) ([]string, error) {
	waiting, err := t.allUnfinished()
	if err != nil {
		return nil, err
	}
	waiting = slices.DeleteFunc(waiting, func(d deploymentRecord) bool {
		return d.App != target.App || d.Environment != target.Environment || d.Status != paas.Queued
	})
	var ids []string
	for _, dep := range waiting {
		if err := t.finish(dep, paas.Superseded, nil); err != nil {
			return nil, err
		}
		ids = append(ids, dep.ID)
	}
	return ids, nil
}

func (t *Tx) finish(dep deploymentRecord, status paas.Status, failure *paas.Failure) error {
	dep.Status, dep.Failure, dep.Ended = status, clippedFailure(failure), t.now
	if status == paas.Succeeded {
		dep.step(paas.StepDone, t)
	}
	if err := errors.Join(t.putDeployment(dep), t.delete(unfinishedBucket, number(dep.Seq))); err != nil {
		return err
	}
	detail := map[string]string{"number": fmt.Sprint(dep.Number)}
	if failure != nil {
		detail["step"], detail["message"] = string(failure.Step), failure.Message
	}
	return t.deploymentEvent(dep.Deployment, "deployment."+string(status), detail)
}

func (t *Tx) putDeployment(dep deploymentRecord) error { return t.put(deploymentBucket, dep.ID, dep) }

func (t *Tx) deploymentEvent(dep paas.Deployment, action string, detail map[string]string) error {
	at, err := t.PathOf(dep.App)
	if err != nil {
		return err
	}
	if detail == nil {
		detail = map[string]string{}
	}
	detail["environment"] = dep.Environment
	return t.event(action, dep.ID, at, detail)
}

// unfinished is a deployment that may still change.
func (t *Tx) unfinished(id string) (deploymentRecord, error) {
	dep, err := get[deploymentRecord](t, deploymentBucket, id)
	if err == nil && dep.Status.Done() {
		err = finished(dep)
	}
	return dep, err
}

// running is a deployment that was begun.
func (t *Tx) running(id string) (deploymentRecord, error) {
	dep, err := t.unfinished(id)
	if err == nil && dep.Status != paas.Running {
		err = conflict("", "the deployment %q has not begun", id)
	}
	return dep, err
}

func (t *Tx) allUnfinished() ([]deploymentRecord, error) {
	var out []deploymentRecord
	err := each(t, unfinishedBucket, "", func(_, id string) error {
		dep, err := get[deploymentRecord](t, deploymentBucket, id)
		out = append(out, dep)
		return err
	})
	return out, err
}

func finished(dep deploymentRecord) error {
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
