package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"
)

func TestFailedDeployPage(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("broken")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.Target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	page := b.page("/deploys/" + deps[0].ID)
	says(t, page, "What happened", "npm could not install.", "Suggested fix", "Commit the lockfile.", "npm error code EUSAGE")
	if !strings.Contains(page, `<li class="err"`) {
		t.Error("the line that shows the problem is not marked")
	}
	got := b.Want(http.StatusOK, servertest.Ask{Path: "/deploys/" + deps[0].ID + "/log", Cookie: b.cookie}, nil)
	if !strings.Contains(got.Header.Get("Content-Disposition"), `attachment; filename="broken-`) || !strings.Contains(got.Body, "npm error code EUSAGE\n") {
		t.Errorf("%v %s", got.Header, got.Body)
	}
}

func TestStoppingAndTryingAgain(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("busy")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.Target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	if to := b.sent("/deploys/"+deps[0].ID+"/stop", nil); to != "/deploys/"+deps[0].ID {
		t.Errorf("leads to %q", to)
	}
	says(t, b.page("/deploys/"+deps[0].ID), "was stopped", "Stopped. What is live was not touched.")
	if to := b.sent("/deploys/"+deps[0].ID+"/again", nil); !strings.HasPrefix(to, "/deploys/dep_") || to == "/deploys/"+deps[0].ID {
		t.Errorf("leads to %q", to)
	}
}
