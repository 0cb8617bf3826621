package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestSettingsInTheBrowser(t *testing.T) {
	b := town(t)
	if to := b.sent("/apps/shop/settings/build", url.Values{"root": {"web"}, "start_command": {"npm run go"}}); to != "/apps/shop/settings" {
		t.Errorf("leads to %q", to)
	}
	app, err := b.Store.FindApp("shop")
	if err != nil || app.Build.Root != "web" {
		t.Errorf("%+v %v", app.Build, err)
	}
	if config, err := b.Store.AppEnvironmentsOf(app.ID); err != nil || app.BuildIn(config[0]).StartCommand != "npm run go" {
		t.Errorf("%+v %v", config, err)
	}
	b.refusedForm(http.StatusBadRequest, "/apps/shop/settings/size", url.Values{"memory_mb": {"a lot"}, "cpus": {"1"}}, "is not a number")
	b.refusedForm(http.StatusBadRequest, "/apps/shop/settings/size", url.Values{"memory_mb": {"31"}, "cpus": {"1"}}, "An app has at least 32 MB of memory.")
	b.refusedForm(http.StatusBadRequest, "/apps/shop/settings/size", url.Values{"memory_mb": {"512"}, "cpus": {"NaN"}}, "is not a number")
	if to := b.sent("/apps/shop/settings/size", url.Values{"memory_mb": {"1024"}, "cpus": {"0,5"}}); !strings.HasPrefix(to, "/deploys/dep_") {
		t.Errorf("leads to %q", to)
	}
	if p, err := b.Store.AppEnvironment(b.Target(app)); err != nil || p.Limits.MemoryMB != 1024 || p.Limits.CPUs != 0.5 {
		t.Errorf("%+v %v", p.Limits, err)
	}
	b.refusedForm(http.StatusConflict, "/apps/shop/settings/name", url.Values{"name": {"empty"}}, "is taken")
	if to := b.sent("/apps/shop/settings/name", url.Values{"name": {"store"}}); to != "/apps/store/settings" {
		t.Errorf("leads to %q", to)
	}
	says(t, b.page("/apps/store/settings"), "Renamed. It is at store.cloud.test now.")
	b.refusedForm(http.StatusBadRequest, "/apps/store/delete", url.Values{"typed": {"shop"}}, "That is not its name.")
	if to := b.sent("/apps/store/delete", url.Values{"typed": {"store"}}); to != "/" {
		t.Errorf("leads to %q", to)
	}
	if _, err := b.Store.FindApp("store"); !paas.IsKind(err, paas.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
}
