package auth

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/cloudsania/cloudsania/access"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/store"
)

const (
	ownerEmail    = "ada@example.com"
	ownerPassword = "correct horse battery"
)

// lowCosts keep the tests fast.
var lowCosts = costs{memory: 256, time: 1, threads: 1}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is an Authenticator over a real store.
type rig struct {
	*Authenticator
	t     *testing.T
	clock *clock
	logs  *bytes.Buffer
	owner paas.User
}

// newRig makes an installation without an owner.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{at: time.Now().UTC().Truncate(time.Second)}, logs: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(r.logs, nil))
	dir := t.TempDir()
	st, err := store.Open(store.Options{
		Path:   filepath.Join(dir, "cloudsania.db"),
		Marker: filepath.Join(dir, "installed"),
		Key:    store.NewKey(),
		Log:    log,
		Now:    r.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	r.Authenticator = New(Options{Store: st, Log: log, Now: r.clock.now})
	r.passwords = newPasswords(lowCosts)
	return r
}

// newClaimed makes an installation with an owner.
func newClaimed(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	if err := r.store.SetClaim(paas.Claim{Hash: "x"}); err != nil {
		t.Fatal(err)
	}
	hash, err := r.passwords.hash(t.Context(), paas.NewSecret(ownerPassword))
	if err != nil {
		t.Fatal(err)
	}
	u, err := r.store.CreateOwner("x", paas.User{Name: "Ada", Email: ownerEmail, PasswordHash: hash})
	if err != nil {
		t.Fatal(err)
	}
	r.owner = u
	return r
}

// login is how the owner, or who pretends to be, signs in from that address.
func login(email, password, code, addr string) Login {
	return Login{Email: email, Password: paas.NewSecret(password), Code: code, Browser: Browser{Addr: addr, UserAgent: "test"}}
}

// signIn signs the owner in and returns the secret of the session.
func (r *rig) signIn(code string) paas.Secret {
	r.t.Helper()
	in, err := r.SignIn(r.t.Context(), login(ownerEmail, ownerPassword, code, "198.51.100.7"))
	if err != nil {
		r.t.Fatal(err)
	}
	return in.Secret
}

// who is the principal of a session that must be valid.
func (r *rig) who(secret paas.Secret) access.Principal {
	r.t.Helper()
	p, err := r.Session(secret, "198.51.100.7")
	if err != nil || p.Kind != access.User || p.User != r.owner.ID {
		r.t.Fatalf("the session is of %+v, %v", p, err)
	}
	return p
}

// alive uses a session, as a request does, and reports whether it is valid.
func (r *rig) alive(secret paas.Secret) bool {
	r.t.Helper()
	p, err := r.Session(secret, "198.51.100.7")
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.KeepAlive(p); err != nil {
		r.t.Fatal(err)
	}
	return p.Kind == access.User
}

// codeAt is what an authenticator app shows.
func codeAt(t *testing.T, secret paas.Secret, at time.Time) string {
	t.Helper()
	code, err := hotp.GenerateCode(secret.Reveal(), uint64(at.Unix()/totpPeriod))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// fails checks that err is of that kind and concerns that field.
func fails(t *testing.T, what string, err error, kind paas.Kind, field string) {
	t.Helper()
	if e := paas.Public(err); err == nil || e.Kind != kind || e.Field != field {
		t.Errorf("%s: %v of kind %q in field %q, want %q in %q", what, err, e.Kind, e.Field, kind, field)
	}
}
