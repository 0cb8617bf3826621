package page_test

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

// The tests here drive the real pages in a real browser. They run with CLOUDSANIA_TEST_BROWSER=1, and then a missing Chromium fails.
// With CLOUDSANIA_UI_OUT=DIR they leave screenshots there.

//go:embed testdata/audit.js
var auditScript string

// chrome is a browser in front of a rig.
type chrome struct {
	*servertest.Rig
	ctx  context.Context
	base string

	mu     sync.Mutex
	errors []string // what the browser complained about: scripts that fail, what the content policy refuses
}

func newChrome(t *testing.T, r *servertest.Rig) *chrome {
	t.Helper()
	if os.Getenv("CLOUDSANIA_TEST_BROWSER") != "1" {
		t.Skip("needs a browser: set CLOUDSANIA_TEST_BROWSER=1")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("CLOUDSANIA_TEST_BROWSER=1, but there is no chromium: ", err)
	}
	edge := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "http", Host: "control"})
			p.Out.Host = p.In.Host
			p.SetXForwarded()
		},
		FlushInterval: -1,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(r.Dir, "web.sock"))
		}},
	}
	front := httptest.NewServer(edge)
	t.Cleanup(front.Close)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	b := &chrome{Rig: r, ctx: ctx, base: front.URL}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.EmulateViewport(1440, 900))
	return b
}

func (b *chrome) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, fmt.Sprintf("%s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError {
			b.errors = append(b.errors, ev.Entry.Text+" "+ev.Entry.URL)
		}
	}
}

// run does things in the browser, each within a while.
func (b *chrome) run(actions ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		at, _ := chromedp.Run(b.ctx, chromedp.Location()) // both for the message only
		said, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
		b.T.Fatalf("%v\nat %s: %s\n%s", err, at, said, b.Logs)
	}
}

func (b *chrome) open(path string) { b.T.Helper(); b.run(chromedp.Navigate(b.base + path)) }

// sees waits until the page says something.
func (b *chrome) sees(want string) {
	b.T.Helper()
	expression := fmt.Sprintf(`document.body.innerText.includes(%q)`, want)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok { // an error means that another page is on its way
			return
		}
	}
	said, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`)) // for the message only
	b.T.Fatalf("waited for %q at %s\n%s", want, said, b.Logs)
}

// js is the value of an expression in the page.
func js[T any](b *chrome, expression string) T {
	b.T.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.T.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *chrome) fill(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

func (b *chrome) click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

func seen(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.WaitVisible(chromedp.CSS(selector))
}

// theme makes the browser prefer one; "" is its own choice.
func (b *chrome) theme(name string) {
	b.T.Helper()
	p := emulation.SetEmulatedMediaParams{}
	if name != "" {
		p.Features = []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, p); err != nil {
		b.T.Fatal(err)
	}
}

// shot looks at the page with the audit, in both themes and on a phone too, and leaves screenshots.
func (b *chrome) shot(name string) {
	b.T.Helper()
	dir := os.Getenv("CLOUDSANIA_UI_OUT")
	if err := os.MkdirAll(dir, 0o755); dir != "" && err != nil {
		b.T.Fatal(err)
	}
	for _, view := range []struct {
		name          string
		width, height int64
		phone         bool
	}{{"desktop", 1440, 900, false}, {"phone", 375, 812, true}} {
		size := []chromedp.EmulateViewportOption{}
		if view.phone {
			size = append(size, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2))
		}
		for _, theme := range []string{"light", "dark"} {
			b.theme(theme)
			b.run(chromedp.EmulateViewport(view.width, view.height, size...), chromedp.Sleep(150*time.Millisecond))
			for _, f := range js[[]string](b, auditScript) {
				b.T.Errorf("%s, %s, %s: %s", name, view.name, theme, f)
			}
			if dir != "" {
				png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				if err != nil {
					b.T.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "live-"+name+"-"+view.name+"-"+theme+".png"), png, 0o644); err != nil {
					b.T.Fatal(err)
				}
			}
		}
	}
	b.theme("")
	b.run(chromedp.EmulateViewport(1440, 900))
}

// quiet fails when the browser complained about anything.
func (b *chrome) quiet() {
	b.T.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		b.T.Error("the browser says: ", e)
	}
	b.errors = nil
}

// TestFirstDayInABrowser: claim, upload, watch it go live, change a variable, go back, sign out and in.
func TestFirstDayInABrowser(t *testing.T) {
	r := servertest.New(t)
	secret, _, err := r.Auth.IssueClaim()
	if err != nil {
		t.Fatal(err)
	}
	r.Run()
	b := newChrome(t, r)

	b.open("/")
	b.sees("This server is waiting for its owner")
	b.shot("claim")
	b.run(b.fill("#claim", secret.Reveal()), b.click("button[type=submit]"))
	b.sees("Create your sign-in")
	b.run(b.click(".more > summary"))
	b.shot("account")
	b.run(b.fill("#name", "Ada Lovelace"), b.fill("#email", servertest.OwnerEmail), b.fill("#password", servertest.OwnerPassword), b.click("button[type=submit]"))
	b.sees("Your cloud is ready, Ada")
	b.shot("ready")
	b.run(b.click(`a[href="/new?from=upload"]`))

	file := filepath.Join(t.TempDir(), "My Shop.zip")
	if err := os.WriteFile(file, servertest.Zip(t, map[string]string{"app.js": strings.Repeat("x", 1<<20)}), 0o644); err != nil {
		t.Fatal(err)
	}
	b.sees("Drop your site here")
	b.shot("new")
	b.run(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
	b.sees("Ready to deploy")
	b.sees("my-shop.cloud.test")
	b.shot("found")
	b.run(b.fill("#var-0", "sk_test_1"), b.click(`button.primary[type=submit]`))
	b.sees("v1 is")

	app, err := r.Store.FindApp("my-shop")
	if err != nil {
		t.Fatal(err)
	}
	first := b.newest(app)
	b.goThrough(app, first, paas.StepHealth)
	b.sees("This is the first version.")
	b.sees("listening on 8080")
	b.shot("first-deploy")
	b.arrive(app, first)
	b.sees("v1 is live")
	b.sees("Healthy")
	b.quiet()

	b.open("/apps/my-shop/variables")
	b.run(b.click("[data-add]"), b.fill("[data-new] [name=new_name]", "MAIL_FROM"), b.fill("[data-new] textarea", "a@b"))
	b.sees("1 change not saved: MAIL_FROM.")
	b.shot("variables")
	b.run(b.click(".savebar button[type=submit]"))
	b.sees("Saved. The new version is on its way.")
	second := b.newest(app)
	b.goThrough(app, second, paas.StepHealth)
	b.sees("Your live app is untouched until v2 is healthy.")
	b.shot("deploy")
	b.arrive(app, second)
	b.sees("v2 is live for everyone.")

	b.open("/apps/my-shop")
	b.run(b.click(`#versions a[data-dialog]`))
	b.sees("Roll back my-shop to v1?")
	b.sees("MAIL_FROM goes")
	b.shot("rollback")
	if focused := js[string](b, `document.activeElement.innerText`); focused != "Keep v2" {
		t.Errorf("the focus is on %q, not on the safe choice", focused)
	}
	b.run(b.click("dialog [data-close]"), chromedp.WaitNotPresent(chromedp.CSS("dialog")))

	b.run(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)), seen(".palette input"), b.fill(".palette input", "shop logs"))
	b.shot("palette")
	b.run(chromedp.KeyEvent("\r"))
	b.sees("Follow")
	b.run(b.click("[data-theme-toggle]"))
	if theme := js[string](b, `document.documentElement.dataset.theme + localStorage.getItem('theme')`); theme != "darkdark" && theme != "lightlight" {
		t.Errorf("the theme is %q", theme)
	}
	js[bool](b, `localStorage.removeItem('theme'), true`)
	b.open("/account")
	b.run(b.click(`form[action="/logout"] button`))
	b.sees("You are signed out.")
	b.shot("login")
	b.run(b.fill("#email", servertest.OwnerEmail), b.fill("#password", servertest.OwnerPassword), b.click("button[type=submit]"))
	b.sees("Your app is up.")
	b.shot("home")
	b.quiet()
}

// newest is the app's newest deployment.
func (b *chrome) newest(app paas.App) paas.Deployment {
	b.T.Helper()
	deps, err := b.Store.Deployments(b.Target(app), 1)
	if err != nil || len(deps) == 0 {
		b.T.Fatalf("%v, %d deployments", err, len(deps))
	}
	return deps[0]
}

// goThrough takes a deployment as far as a step, as deploy would.
func (b *chrome) goThrough(app paas.App, d paas.Deployment, until paas.Step) {
	b.T.Helper()
	if err := b.Store.BeginDeployment(d.ID); err != nil {
		b.T.Fatal(err)
	}
	for _, step := range []paas.Step{paas.StepSource, paas.StepDetect, paas.StepBuild, paas.StepStart, paas.StepHealth} {
		b.Clock.Move(2 * time.Second)
		if err := b.Store.RecordStep(d.ID, step); err != nil {
			b.T.Fatal(err)
		}
		b.Deploys.Say(d.ID, step, map[paas.Step]string{paas.StepSource: "unpacking", paas.StepDetect: "Node 22 (package.json)", paas.StepBuild: "\x1b[32mbuilt\x1b[0m in 2 s", paas.StepStart: "started", paas.StepHealth: "listening on 8080"}[step])
		if step == until {
			return
		}
	}
}

// arrive makes a deployment's release live.
func (b *chrome) arrive(app paas.App, d paas.Deployment) {
	b.T.Helper()
	build := paas.Build{ID: paas.NewID("bld"), App: app.ID, Source: d.Source, Image: "apps/" + app.ID + "@sha256:" + strings.Repeat("0", 64), Created: b.Clock.Now(),
		Plan: paas.Plan{Language: "node", Framework: "Express", Runtimes: []paas.Runtime{{Name: "node", Version: "22.1.0"}}, StartCommand: "node app.js", Processes: []paas.Process{{Type: "web", Command: "node app.js"}}}}
	err := b.Store.RecordBuild(d.ID, build)
	var rel paas.Release
	if err == nil {
		rel, err = b.Store.MakeRelease(d.ID, store.ReleaseFrom{Build: build.ID})
	}
	var inst paas.Instance
	if err == nil {
		inst, err = b.Store.NewInstance(d.ID, "web")
	}
	if err == nil {
		_, err = b.Store.Activate(d.ID, []string{inst.ID})
	}
	if err != nil {
		b.T.Fatalf("bring %s online: %v", rel.ID, err)
	}
	b.Deploys.Finish(b.T, d.ID, paas.Succeeded, nil)
}

// TestEveryPageInABrowser opens every page and lets the audit look at it.
func TestEveryPageInABrowser(t *testing.T) {
	if os.Getenv("CLOUDSANIA_TEST_BROWSER") != "1" {
		t.Skip("needs a browser: set CLOUDSANIA_TEST_BROWSER=1")
	}
	town := town(t)
	town.Deploys.Print(nil, paas.LogLine{Time: time.Now(), Process: "web", Text: "\x1b[36mGET\x1b[0m / 200"}, paas.LogLine{Time: time.Now(), Process: "web", Text: "error: no such table"})
	b := newChrome(t, town.Rig)
	b.open("/login")
	b.run(b.fill("#email", servertest.OwnerEmail), b.fill("#password", servertest.OwnerPassword), b.click("button[type=submit]"))
	b.sees("shop is up.")
	broken, err := b.Store.FindApp("broken")
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"fleet": "/", "app": "/apps/shop", "app-failed": "/apps/broken", "app-busy": "/apps/busy", "app-empty": "/apps/empty", "versions": "/apps/shop/versions",
		"newversion": "/apps/shop/deploy", "logs": "/apps/shop/logs", "vars": "/apps/shop/variables", "settings": "/apps/shop/settings", "delete": "/apps/shop/delete",
		"failed": "/deploys/" + b.newest(broken).ID, "keys": "/keys", "audit": "/audit", "account2": "/account", "push": "/new?from=push", "url": "/new?from=url",
		"audit-none": "/audit?q=zebra",
	} {
		b.open(path)
		b.shot(name)
	}
	b.quiet()
	b.run(chromedp.EmulateViewport(375, 812, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulateScale(2)))
	b.open("/")
	b.run(b.click(".dock [data-nav]"), seen("#side .brand"), chromedp.Sleep(600*time.Millisecond))
	if focus := js[string](b, `document.activeElement.closest('#side') ? 'in' : 'out'`); focus != "in" {
		t.Error("the menu opens without the focus")
	}
	if dir := os.Getenv("CLOUDSANIA_UI_OUT"); dir != "" {
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "live-menu-phone-light.png"), png, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b.run(chromedp.KeyEvent(kb.Escape))
	if js[bool](b, `document.body.classList.contains('nav-open') || !document.activeElement.matches('.dock [data-nav]')`) {
		t.Error("Escape does not close the menu and give the focus back")
	}
	b.open("/apps/nothing")
	b.sees("There is nothing at this address")
}

// TestPagesWithoutScripts: reading and forms need no JavaScript.
func TestPagesWithoutScripts(t *testing.T) {
	if os.Getenv("CLOUDSANIA_TEST_BROWSER") != "1" {
		t.Skip("needs a browser: set CLOUDSANIA_TEST_BROWSER=1")
	}
	b := newChrome(t, town(t).Rig)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.open("/login")
	b.run(b.fill("#email", servertest.OwnerEmail), b.fill("#password", servertest.OwnerPassword), b.click("button[type=submit]"), seen(".fleet"))
	b.open("/apps/shop/variables")
	b.run(b.fill(`tbody.nojs [name=new_name]`, "PLAIN"), b.fill(`tbody.nojs [name=new_value]`, "1"), b.click(".savebar button[type=submit]"), seen("#deploy-one"))
	b.open("/apps/shop")
	b.run(b.click("#versions a[data-dialog]"), seen(".dlg"), b.click(".dlg button[type=submit]"), seen("#deploy-one"))
	vars, err := b.Store.Variables(b.Target(must(b.Store.FindApp("shop"))))
	if err != nil || len(vars) != 1 || vars[0].Name != "PLAIN" {
		t.Errorf("%v %v", vars, err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
