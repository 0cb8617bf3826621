package e2e

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tab is a browser that looks at one installation.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

func openTab(t *testing.T, w *world) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900)); err != nil { // starts the browser, which ends with ctx
		t.Fatal(err)
	}
	return &tab{t: t, ctx: ctx, base: fmt.Sprintf("http://localhost:%d", w.http)}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v\n%s", err, b.text())
	}
}

// text is what the page says, for messages.
func (b *tab) text() string {
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 2000)`))
	if err != nil {
		return err.Error()
	}
	return s
}

func (b *tab) sees(want string, within time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if strings.Contains(b.text(), want) {
			return
		}
	}
	b.t.Fatalf("waited for %q, the page says: %s", want, b.text())
}

func (b *tab) fill(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

func (b *tab) click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

// shot keeps a picture of the page where CLOUDSANIA_SCREENSHOTS names a directory.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("CLOUDSANIA_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// zipped is a fixture as a person would drop it.
func zipped(t *testing.T, fixture string) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	if err := z.AddFS(os.DirFS(filepath.Join("testdata", "apps", fixture)).(fs.ReadDirFS)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "Corner Shop.zip")
	if err := os.WriteFile(name, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The whole way of somebody who fears the terminal: claim, drop a zip, watch it go live, break it, see what stays, go back.
func TestBrowser(t *testing.T) {
	w := newWorld(filepath.Join(programs.dir, "browser"))
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.remove)
	welcome := w.cli(t, "doctor", "--welcome")
	_, link, ok := strings.Cut(welcome, "Claim it")
	if !ok {
		t.Fatalf("no claim link: %s", welcome)
	}
	b := openTab(t, w)
	b.do(chromedp.Navigate(strings.Fields(link)[0]))
	b.sees("Create your sign-in", 10*time.Second)
	b.do(b.fill("#name", "Ada Lovelace"), b.fill("#email", "ada@example.com"), b.fill("#password", "four ordinary words do"), b.click("button[type=submit]"))
	b.sees("Your cloud is ready, Ada", 10*time.Second)
	b.do(chromedp.Navigate(b.base + "/new?from=upload"))
	b.sees("Drop your site here", 10*time.Second)
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{zipped(t, "express")}))
	b.sees("Ready to deploy", 30*time.Second)
	b.sees("corner-shop.localhost", 10*time.Second)
	b.shot("new-app")
	b.do(b.click("button.primary[type=submit]"))
	b.sees("v1 is live", 8*time.Minute) // the builder is made first
	w.wantPage(t, "corner-shop", "/", "hello from express")

	w.cli(t, "env", "corner-shop", "set", "GREETING=hello")
	r := w.empty(t, "corner-shop")
	r.write(t, "package.json", `{"scripts":{"start":"node server.js"}}`)
	r.write(t, "server.js", "require('express')")
	r.commit(t, "Faster checkout")
	r.pushFails(t)
	b.do(chromedp.Navigate(b.base + "/apps/corner-shop"))
	b.sees("v2", 10*time.Second)
	b.shot("app")
	deployments := w.show(t, "corner-shop").Deployments
	b.do(chromedp.Navigate(b.base + "/deploys/" + deployments[0].ID))
	b.sees("express", 10*time.Second)
	b.shot("failed")
	w.wantPage(t, "corner-shop", "/", "hello from express")
	b.do(chromedp.Navigate(b.base + "/"))
	b.sees("corner-shop", 10*time.Second)
	b.shot("fleet")
}
