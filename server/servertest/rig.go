// Package servertest is a dashboard and API with a real store and real sockets around a deployer that only records: for the tests of
// server, its pages and its API.
package servertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/auth"
	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/meter"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/server/page"
	"github.com/cloudsania/cloudsania/server/rest"
	"github.com/cloudsania/cloudsania/store"
	"github.com/cloudsania/cloudsania/upload"
)

// The owner of a claimed rig, and where it answers.
const (
	OwnerEmail    = "ada@example.com"
	OwnerPassword = "correct horse battery"
	Origin        = "https://cloud.test"

	// ownerHash is the PHC string of OwnerPassword: hashing takes long, so it was done once.
	ownerHash = "$argon2id$v=19$m=19456,t=2,p=1$vN2I/7HkLPk85d6X5bwmiw$TodS5HeMKER/SLdlZQJivpEU9oT4TeFPQ0Cg4qKt4AI"
)

// Clock is a time that tests move.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Move lets time pass.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Buffer is a log that is read while it is written.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Buffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *Buffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Rig is a server and all that it is made of.
type Rig struct {
	T       *testing.T
	Server  *server.Server
	Store   *store.Store
	Control *control.Control
	Auth    *auth.Authenticator
	Uploads *upload.Dir
	Meter   *meter.Meter
	Clock   *Clock
	Deploys *Deploys
	Dir     string
	Logs    *Buffer
	Owner   paas.User
	Routes  []server.Route // of the API and the pages
}

// Change is what a test wants otherwise than usual.
type Change func(*control.Options, *server.Options)

// New makes a server that nobody has claimed and does not run it.
func New(t *testing.T, changes ...Change) *Rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "cs") // t.TempDir's paths are too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &Rig{T: t, Clock: &Clock{at: time.Now().UTC().Truncate(time.Second)}, Dir: dir, Logs: &Buffer{}}
	log := slog.New(slog.NewTextHandler(r.Logs, nil))
	r.Store = Must(store.Open(store.Options{Path: filepath.Join(dir, "cloudsania.db"), Marker: filepath.Join(dir, "installed"), Key: store.NewKey(), Log: log, Now: r.Clock.Now}))(t)
	t.Cleanup(func() { _ = r.Store.Close() })
	settings := r.Store.Settings()
	settings.Pool = netip.MustParsePrefix("10.99.0.0/16")
	Check(t, r.Store.SaveSettings(settings))
	r.Uploads = Must(upload.Open(filepath.Join(dir, "uploads")))(t)
	r.Meter = Must(meter.Open(filepath.Join(dir, "usage"), meter.Options{Ledger: r.Store, Log: log, Now: r.Clock.Now}))(t)
	t.Cleanup(func() { _ = r.Meter.Close() })
	r.Deploys = &Deploys{store: r.Store, logs: map[string][]paas.LogLine{}, changed: make(chan struct{})}
	r.Auth = auth.New(auth.Options{Store: r.Store, Log: log, Now: r.Clock.Now})
	ctl := control.Options{Store: r.Store, Deploys: r.Deploys, Logs: r.Deploys, Uploads: r.Uploads, Detect: detect, Data: dir, Log: log, Now: r.Clock.Now,
		Site: paas.Site{Domain: "cloud.test", TLS: paas.TLSSettings{Mode: paas.TLSACME}}}
	o := server.Options{Data: dir, Auth: r.Auth, Answers: r.Store, Git: http.NotFoundHandler(), Log: log, Now: r.Clock.Now, EdgeUID: -1}
	for _, change := range changes {
		change(&ctl, &o)
	}
	r.Control = control.New(ctl)
	pages := Must(page.New(page.Options{Control: r.Control, Auth: r.Auth, Meter: r.Meter, Version: "1.2.3", Now: r.Clock.Now}))(t)
	o.Control, o.FailPage = r.Control, pages.Fail
	o.Routes = append(Must(rest.Routes(r.Control, r.Auth, "1.2.3"))(t), append(pages.Routes(), o.Routes...)...)
	r.Routes = o.Routes
	r.Server = Must(server.New(o))(t)
	return r
}

// Claimed is a rig that runs and has an owner.
func Claimed(t *testing.T, changes ...Change) *Rig {
	t.Helper()
	r := New(t, changes...)
	r.Claim()
	r.Run()
	return r
}

// Claim makes the owner.
func (r *Rig) Claim() {
	r.T.Helper()
	Check(r.T, r.Store.SetClaim(paas.Claim{Hash: "x"}))
	r.Owner = Must(r.Store.CreateOwner("x", paas.User{Name: "Ada", Email: OwnerEmail, PasswordHash: ownerHash}))(r.T)
}

// Run serves until the test ends, or stop is called.
func (r *Rig) Run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.T.Errorf("Run: %v", err)
		}
	})
	r.T.Cleanup(stop)
	return stop
}

// App makes an app.
func (r *Rig) App(name string) paas.App {
	r.T.Helper()
	return Must(r.Store.CreateApp(paas.System, store.NewApp{Name: name}))(r.T)
}

// Target is the app in production.
func (r *Rig) Target(a paas.App) paas.Target {
	r.T.Helper()
	return Must(r.Store.Target(a.ID, ""))(r.T)
}

// Token makes a token of the owner and returns its text.
func (r *Rig) Token(scope paas.Path, actions ...string) string {
	r.T.Helper()
	text, hash := auth.NewToken()
	Must(r.Store.CreateToken(paas.System, paas.Token{Name: "test", Hash: hash, User: r.Owner.ID, Scope: scope, Actions: actions}))(r.T)
	return text.Reveal()
}

// Session signs the owner in and returns the cookie's value.
func (r *Rig) Session() string {
	r.T.Helper()
	secret := paas.GenerateSecret().Reveal()
	Check(r.T, r.Store.CreateSession(paas.Session{Hash: HashOf(secret), User: r.Owner.ID, UserAgent: "test", Addr: "198.51.100.7", Expires: r.Clock.Now().Add(12 * time.Hour)}))
	return secret
}

// HashOf is how a secret of ours is kept.
func HashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Must is the value of a call that must not fail.
func Must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		Check(t, err)
		return v
	}
}

// Check fails the test with an error.
func Check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// PathOf is where an app hangs.
func (r *Rig) PathOf(a paas.App) paas.Path {
	r.T.Helper()
	return Must(r.Store.PathOf(a.ID))(r.T)
}
