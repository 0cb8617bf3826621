package page_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

func TestHomePage(t *testing.T) {
	b := town(t)
	says(t, b.page("/"), "shop is up.", "One needs you.", "npm could not install. Nothing is online yet.", "Second <b>", "v2")
	if n := newBrowser(servertest.Claimed(t)).page("/"); !strings.Contains(text(n), "Put your first app online") {
		t.Errorf("a server without apps says %s", text(n))
	}
}

func TestAppPages(t *testing.T) {
	b := town(t)
	says(t, b.page("/apps/shop"), "Healthy", "v2", "Go back to this", "https://cloud.test/git/shop.git")
	says(t, b.page("/apps/broken"), "The new version did not build", "Commit the lockfile.", "Nothing is online yet, so no visitor is affected")
	says(t, b.page("/apps/busy"), "v1 is on its way", "Stop this deploy", "checking out")
	says(t, b.page("/apps/empty"), "Waiting for code", "Show the lines for git push")
	got := b.Do(servertest.Ask{Path: "/apps/nothing", Cookie: b.cookie, Header: map[string]string{"Accept": "text/html"}})
	if got.Status != http.StatusNotFound || !strings.Contains(text(got.Body), "There is nothing at this address") {
		t.Errorf("%d %s", got.Status, text(got.Body))
	}
}

func TestCrashingAppIsDown(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	b.Clock.Move(time.Second)
	path, err := b.Store.PathIn(b.Target(app))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Store.AppendEvent(paas.System, paas.InstanceCrashing{Process: "web", ExitCode: 1}, app.ID, path); err != nil {
		t.Fatal(err)
	}
	says(t, b.page("/"), "shop is down.", "Two need you.", "It stops by itself again and again")
	says(t, b.page("/apps/shop"), "shop is down", "Roll back")
	b.Clock.Move(6 * time.Minute)
	says(t, b.page("/"), "shop is up.")
}

func TestUsageBecomesLoad(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	target := b.Target(app)
	for i := range 3 {
		servertest.Check(t, b.Meter.Add([]paas.Usage{{Instance: "ins_1", App: app.ID, Environment: target.Environment, Time: b.Clock.Now().Add(-time.Duration(2-i) * time.Minute), CPUMillis: 30000, MemoryBytes: 256 << 20, Requests: 100, SentBytes: 1 << 20}}))
	}
	says(t, b.page("/apps/shop"), "256 MB", "50%", "300", "3 MB")
}

func TestTwoAppsOfOneName(t *testing.T) {
	b := newBrowser(servertest.Claimed(t))
	for _, project := range []string{"red", "blue"} {
		if _, err := b.Store.CreateApp(paas.System, store.NewApp{Name: "web", Project: project}); err != nil {
			t.Fatal(err)
		}
	}
	page := b.page("/")
	says(t, page, "red/web", "blue/web")
	for _, m := range regexp.MustCompile(`class="appname" href="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "/apps/app_") {
			t.Errorf("%s could be either", m[1])
		}
		b.page(m[1])
	}
}
