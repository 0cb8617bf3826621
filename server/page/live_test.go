package page_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/paas"
)

// events reads a stream until n events of that name have come.
func (b *browser) events(ctx context.Context, path, name string, n int) []string {
	b.T.Helper()
	return b.eventsUntil(ctx, path, name, func(data []string) bool { return len(data) == n })
}

// eventsUntil reads the events of that name of a stream until they are enough.
func (b *browser) eventsUntil(ctx context.Context, path, name string, enough func(data []string) bool) (data []string) {
	b.T.Helper()
	resp, err := b.Try(ctx, servertest.Ask{Path: path, Cookie: b.cookie})
	if err != nil {
		b.T.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		b.T.Fatalf("%s: %d", path, resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	event, body := "", ""
	for lines.Scan() {
		l := lines.Text()
		switch {
		case l == "":
			if event == name {
				if data = append(data, body); enough(data) {
					return data
				}
			}
			event, body = "", ""
		case strings.HasPrefix(l, "event: "):
			event = l[7:]
		case strings.HasPrefix(l, "data: "):
			body += l[6:] + "\n"
		}
	}
	b.T.Fatalf("%s ended after %d events %q: %v", path, len(data), name, lines.Err())
	return nil
}

func TestDeployPageIsLive(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("busy")
	if err != nil {
		t.Fatal(err)
	}
	deps, err := b.Store.Deployments(b.Target(app), 1)
	if err != nil {
		t.Fatal(err)
	}
	id := deps[0].ID
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got := b.events(ctx, "/deploys/"+id+"/live", "parts", 1); !strings.Contains(got[0], `id="deploy-one"`) || !strings.Contains(text(got[0]), "is on its way") {
		t.Errorf("parts: %s", got[0])
	}
	b.Deploys.Say(id, paas.StepBuild, "\x1b[31mbuilding <b>")
	if got := b.events(ctx, "/deploys/"+id+"/live?after=1", "lines", 1); !strings.Contains(got[0], "building &lt;b&gt;") || strings.Contains(got[0], "checking out") {
		t.Errorf("lines: %s", got[0])
	}
	if got := b.events(ctx, "/apps/busy/live", "lines", 1); !strings.Contains(got[0], "checking out") {
		t.Errorf("lines on the app's page: %s", got[0])
	}
	if got := b.events(ctx, "/live", "parts", 2); !strings.Contains(got[0], `id="pulse"`) || !strings.Contains(got[1], `id="fleet-rows"`) {
		t.Errorf("parts of the home page: %s", got)
	}
	done := make(chan []string, 1)
	go func() { done <- b.events(ctx, "/deploys/"+id+"/live", "end", 1) }()
	time.Sleep(50 * time.Millisecond) // the stream shall be open before it ends
	b.Deploys.Finish(t, id, paas.StatusFailed, &paas.Failure{Step: paas.StepBuild, Message: "no"})
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("the stream does not end with the deployment")
	}
}

// Figures reach an open page when they read differently, without any change of the store.
func TestFiguresAreLive(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	target := b.Target(app)
	for _, path := range []string{"/live", "/apps/shop/live"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		done := make(chan []string, 1)
		go func() { done <- b.events(ctx, path, "parts", 2) }()
		time.Sleep(100 * time.Millisecond) // the stream shall be open before the sample comes
		b.Clock.Move(time.Minute)
		u := paas.Usage{Instance: "ins_1", App: app.ID, Environment: target.Environment, Time: b.Clock.Now(), Requests: 321}
		if err := b.Meter.Add([]paas.Usage{u}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
		case <-ctx.Done():
			t.Errorf("%s shows no figures", path)
		}
		cancel()
	}
}

// Who looks at an app while somebody renames it is taken to its new address.
func TestRenamedAppTakesItsPageAlong(t *testing.T) {
	b := town(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	sent := make(chan []string, 1)
	go func() { sent <- b.events(ctx, "/apps/shop/live", "go", 1) }()
	time.Sleep(100 * time.Millisecond) // the stream shall be open before the change
	if got := b.post("/apps/shop/settings/name", url.Values{"name": {"store"}}); got.Status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.Status, text(got.Body))
	}
	if got := <-sent; len(got) != 1 || strings.TrimSpace(got[0]) != "/apps/store" {
		t.Errorf("sent to %q", got)
	}
}

// The home page's stream goes on from what the page shows: it sends the rows of apps that changed and no others.
func TestFleetIsSentRowByRow(t *testing.T) {
	b := town(t)
	app, err := b.Store.FindApp("shop")
	if err != nil {
		t.Fatal(err)
	}
	stream := streamOf(t, b.page("/"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	row := func(got string) {
		t.Helper()
		if strings.Count(got, "<tr ") != 1 || !strings.Contains(got, `<tr id="/apps/shop"`) || strings.Contains(got, "fleet-rows") {
			t.Errorf("a change of one app sends %s", got)
		}
	}
	rowOf := func(data []string) bool { return strings.Contains(data[len(data)-1], "a new window") }
	sent := make(chan []string, 1)
	go func() { sent <- b.eventsUntil(ctx, stream, "parts", rowOf) }()
	time.Sleep(50 * time.Millisecond) // the stream shall be open before the change
	b.GoLive(app, paas.Source{Kind: paas.SourceExternal, URL: "https://example.com/shop", Message: "a new window"})
	got := <-sent
	row(got[len(got)-1])
	// who comes back with the page of before gets what changed meanwhile, and who has another control's page gets everything
	row(b.events(ctx, stream, "parts", 2)[1])
	b.App("young")
	for what, path := range map[string]string{"another list": stream, "another process": "/live?v=x.1.1", "no version": "/live"} {
		if got := b.events(ctx, path, "parts", 2)[1]; !strings.Contains(got, `id="fleet-rows"`) || !strings.Contains(got, "young") {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// streamOf is where a page's stream is.
func streamOf(t *testing.T, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, `data-stream="`)
	path, _, end := strings.Cut(rest, `"`)
	if !ok || !end {
		t.Fatal("the page has no stream")
	}
	return path
}

func TestLogPageIsLive(t *testing.T) {
	b := town(t)
	at := b.Clock.Now()
	b.Deploys.Print(nil, paas.LogLine{Time: at, Process: "web", Text: "first"}, paas.LogLine{Time: at.Add(time.Second), Process: "jobs", Text: "error second"})
	page := b.page("/apps/shop/logs")
	says(t, page, "first", "error second")
	if !strings.Contains(page, `class="err"`) {
		t.Error("the error is not marked")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := b.events(ctx, "/apps/shop/logs/live?after="+url.QueryEscape(at.Format(time.RFC3339Nano)), "lines", 1)
	if strings.Contains(got[0], "first") || !strings.Contains(got[0], "second") {
		t.Errorf("lines after the first: %s", got[0])
	}
	if got := b.Want(http.StatusOK, servertest.Ask{Path: "/apps/shop/logs/download?process=web", Cookie: b.cookie}, nil); !strings.Contains(got.Body, "web first") || strings.Contains(got.Body, "second") {
		t.Error(got.Body)
	}
}
