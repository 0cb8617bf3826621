package control

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestSystem(t *testing.T) {
	r := newRig(t)
	p := r.app("shop")
	got, err := r.System.State(t.Context(), r.owner)
	if err != nil || got.Installation == "" || got.DiskTotal <= 0 || got.Free <= 0 || got.EngineErr == nil || !got.Builder.Ready || got.Edges != nil {
		t.Errorf("alone: %+v %v", got, err)
	}
	r.health = Health{
		Docker: func(context.Context) (version, api string, err error) { return "29.1", "1.52", nil },
		Edges: func(context.Context) ([]paas.EdgeStatus, error) {
			return []paas.EdgeStatus{{PID: os.Getpid(), Fingerprint: "aa"}}, nil
		},
		Builder: func() BuilderStatus { return BuilderStatus{Percent: 40} },
	}
	got, err = r.System.State(t.Context(), r.owner)
	if err != nil || got.Engine != "29.1" || got.EngineAPI != "1.52" || got.EngineErr != nil || got.Builder.Percent != 40 || len(got.Edges) != 1 {
		t.Errorf("with its parts: %+v %v", got, err)
	}
	if got.Memory.Control <= 0 || got.Memory.Total <= 0 || got.Edges[0].Memory <= 0 {
		t.Errorf("memory %+v, edge %d", got.Memory, got.Edges[0].Memory)
	}
	if !r.System.SelfSigned(t.Context()) {
		t.Error("a certificate with a fingerprint is taken for one that browsers trust")
	}
	_, err = r.System.State(t.Context(), r.only(p))
	fails(t, "a token of one app", err, paas.NotFound, "")

	r.health.Edges = func(context.Context) ([]paas.EdgeStatus, error) { return nil, errors.New("away") }
	if got, err := r.System.State(t.Context(), r.owner); err != nil || len(got.Edges) != 0 || r.System.SelfSigned(t.Context()) {
		t.Errorf("without an edge: %+v %v", got, err)
	}
}

func TestAllowance(t *testing.T) {
	web := paas.Limits{MemoryMB: 256, CPUs: 1}
	release := &paas.Release{Limits: web}
	scaled := map[string]paas.ProcessSettings{"web": {Copies: 2}, "worker": {Copies: 2}}
	for what, tt := range map[string]struct {
		state AppState
		want  paas.Allowance
	}{
		"nothing live": {AppState{}, paas.Allowance{}},
		"one copy":     {AppState{Live: release}, paas.AllowanceOf(web, 1)},
		"four":         {AppState{Live: release, Config: paas.AppEnvironment{Processes: scaled}}, paas.AllowanceOf(web, 4)},
		"static files": {AppState{Live: release, Build: &paas.Build{Plan: paas.Plan{Static: &paas.Static{}}}}, paas.Allowance{}},
	} {
		if got := tt.state.Allowance(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", what, got, tt.want)
		}
	}
}
