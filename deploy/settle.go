package deploy

import (
	"context"
	"fmt"

	"github.com/cloudsania/cloudsania/paas"
)

// settle records how a deployment ended.
func (d *Deployer) settle(ctx context.Context, j *job, err error, by *paas.Actor) {
	status, failure := paas.Succeeded, (*paas.Failure)(nil)
	switch {
	case by != nil && err != nil:
		status, failure = paas.StatusCancelled, stoppedBy(*by, j.dep.Step)
	case err != nil:
		status, failure = paas.StatusFailed, d.explain(j, err)
		d.log.Warn("deployment failed", "app", j.dep.App, "deployment", j.dep.ID, "step", j.dep.Step, "err", err)
	default:
		j.dep.Step = paas.StepDone
		d.say(j, "v%d is live at %s", j.number, d.address(j.target))
	}
	if failure != nil {
		failure.StillServing = d.stillServing(j)
		d.sayFailure(j, failure)
	}
	recorded := d.insist(ctx, "cannot record how a deployment ended", j.dep.App, func() error {
		return d.store.FinishDeployment(j.dep.ID, status, failure)
	})
	if recorded != nil && ctx.Err() == nil {
		d.log.Error("a deployment was gone before its end", "app", j.dep.App, "deployment", j.dep.ID, "err", recorded)
	}
	d.logs.end(j.dep.ID)
	if err != nil {
		d.dropUpload(j.dep)
	}
}

func stoppedBy(who paas.Actor, at paas.Step) *paas.Failure {
	return &paas.Failure{Kind: paas.Cancelled, Step: at, Message: "stopped by " + who.Name}
}

// sayFailure ends the log. What the app printed is shown only when it is not in the log already, as a build's
// output is.
func (d *Deployer) sayFailure(j *job, f *paas.Failure) {
	if j.dep.Step == paas.StepStart || j.dep.Step == paas.StepHealth {
		for _, l := range f.Lines {
			d.say(j, "  | %s", l)
		}
	}
	j.dep.Step = paas.StepDone
	d.say(j, "error: %s", f.Message)
	if f.Hint != "" {
		d.say(j, "hint:  %s", f.Hint)
	}
	d.say(j, "%s", f.StillServing)
}

// stillServing says what visitors see after a deployment that did not go live.
func (d *Deployer) stillServing(j *job) string {
	name := "this version"
	if j.number > 0 {
		name = fmt.Sprintf("v%d", j.number)
	}
	p, err := d.store.AppEnvironment(j.target)
	if err != nil || p.Live() == "" {
		return name + " did not go live; nothing was live before it"
	}
	rel, err := d.store.Release(p.Live())
	if err != nil {
		return name + " did not go live; the version before it is still serving"
	}
	return fmt.Sprintf("%s did not go live; v%d is still serving and was not touched", name, rel.Number)
}
