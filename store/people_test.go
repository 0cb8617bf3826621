package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

func owner(t testing.TB, s *Store) paas.User {
	t.Helper()
	must(t, s.SetClaim(paas.Claim{Hash: "claim"}))
	return got(s.CreateOwner("claim", paas.User{Name: "Anna", Email: " Anna@Example.com ", PasswordHash: "$argon2id$x"}))(t)
}

// timed is a store whose clock the test moves.
func timed(t testing.TB) (*Store, *clock) {
	t.Helper()
	o, c := options(t), newClock()
	o.Now = c.now
	return withPool(t, mustOpen(t, o)), c
}

func TestClaimMakesOneOwner(t *testing.T) {
	s, c := timed(t)
	u := paas.User{Name: "Anna", Email: "anna@example.com", PasswordHash: "$argon2id$x"}
	_, err := s.CreateOwner("", u)
	wantKind(t, err, paas.Forbidden)
	must(t, s.SetClaim(paas.Claim{Hash: "h", Expires: c.now().Add(time.Hour)}))
	if claim, ok, err := s.Claim(); err != nil || !ok || claim.Hash != "h" {
		t.Fatalf("%+v %v %v", claim, ok, err)
	}
	_, err = s.CreateOwner("wrong", u)
	wantKind(t, err, paas.Forbidden)
	c.add(2 * time.Hour)
	if _, ok, _ := s.Claim(); ok {
		t.Fatal("an expired claim is open")
	}
	_, err = s.CreateOwner("h", u)
	wantKind(t, err, paas.Forbidden)

	must(t, s.SetClaim(paas.Claim{Hash: "h2"}))
	var wg sync.WaitGroup
	var made atomic.Int32
	for i := range 5 {
		wg.Go(func() {
			if _, err := s.CreateOwner("h2", paas.User{Name: "x", Email: fmt.Sprintf("x%d@example.com", i), PasswordHash: "p"}); err == nil {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || len(got(s.Users())(t)) != 1 {
		t.Fatalf("%d owners", made.Load())
	}
	wantKind(t, s.SetClaim(paas.Claim{Hash: "h3"}), paas.Conflict)
	_, err = s.CreateOwner("h2", u)
	wantKind(t, err, paas.Conflict)
}

func TestUsers(t *testing.T) {
	s := opened(t)
	for _, bad := range []paas.User{{Email: "no", PasswordHash: "p"}, {Email: "a b@c", PasswordHash: "p"}, {Email: "a@b.c"}} {
		_, err := s.CreateOwner("x", bad)
		wantKind(t, err, paas.Invalid)
	}
	u := owner(t, s)
	if u.Email != "anna@example.com" || u.Role != paas.Owner || u.Epoch != 1 {
		t.Fatalf("%+v", u)
	}
	if found := got(s.UserByEmail("ANNA@example.com"))(t); found.ID != u.ID {
		t.Fatal("another user")
	}
	_, err := s.UserByEmail("other@example.com")
	wantKind(t, err, paas.NotFound)
	_, err = s.User("usr_none")
	wantKind(t, err, paas.NotFound)

	must(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.Email, u.Epoch = "new@example.com", 99; return nil }))
	if u := got(s.UserByEmail("new@example.com"))(t); u.Epoch != 1 {
		t.Fatalf("epoch %d: an address is no reason to sign everybody out", u.Epoch)
	}
	_, err = s.UserByEmail("anna@example.com")
	wantKind(t, err, paas.NotFound)
	must(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.PasswordHash = "p2"; return nil }))
	if got(s.User(u.ID))(t).Epoch != 2 {
		t.Fatal("a new password leaves old sessions valid")
	}
	wantKind(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.Disabled = true; return nil }), paas.Conflict)
	wantKind(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.TOTP = true; return nil }), paas.Invalid)
	wantKind(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.ID = "usr_x"; return nil }), paas.Invalid)
	if e := got(s.Events(EventFilter{Subject: u.ID, Limit: 1}))(t)[0]; e.Detail["password"] != "changed" {
		t.Fatalf("%+v", e)
	}
}

func TestSecondFactorWorksOnce(t *testing.T) {
	s := opened(t)
	u := owner(t, s)
	_, err := s.TOTPSecret(u.ID)
	wantKind(t, err, paas.NotFound)
	must(t, s.SealTOTP(u.ID, paas.NewSecret("JBSWY3DP")))
	if got(s.TOTPSecret(u.ID))(t).Reveal() != "JBSWY3DP" {
		t.Fatal("another secret")
	}
	if u := got(s.User(u.ID))(t); !u.TOTP || u.Epoch != 2 {
		t.Fatalf("%+v", u)
	}
	var wg sync.WaitGroup
	var accepted atomic.Int32
	for range 10 {
		wg.Go(func() {
			if ok, err := s.UseTOTPStep(u.ID, 100); ok && err == nil {
				accepted.Add(1)
			}
		})
	}
	wg.Wait()
	if accepted.Load() != 1 {
		t.Fatalf("one code was accepted %d times", accepted.Load())
	}
	for step, want := range map[int64]bool{99: false, 100: false} {
		if ok := got(s.UseTOTPStep(u.ID, step))(t); ok != want {
			t.Errorf("step %d: %v", step, ok)
		}
	}
	if !got(s.UseTOTPStep(u.ID, 101))(t) {
		t.Fatal("the next code is refused")
	}
	must(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.TOTP = false; return nil }))
	_, err = s.TOTPSecret(u.ID)
	wantKind(t, err, paas.NotFound)
	if got(s.User(u.ID))(t).Epoch != 3 {
		t.Fatal("sessions of before are still valid")
	}
	wantKind(t, s.SealTOTP(u.ID, paas.Secret{}), paas.Invalid)
}

func TestSessions(t *testing.T) {
	s, c := timed(t)
	u := owner(t, s)
	session := func(hash string) paas.Session {
		return paas.Session{Hash: hash, User: u.ID, UserAgent: "Firefox", Addr: "203.0.113.7", Expires: c.now().Add(24 * time.Hour)}
	}
	must(t, s.CreateSession(session("h1")))
	wantKind(t, s.CreateSession(session("h1")), paas.Conflict)
	wantKind(t, s.CreateSession(paas.Session{Hash: "x", User: u.ID}), paas.Invalid)
	wantKind(t, s.CreateSession(paas.Session{Hash: "x", User: "usr_none", Expires: c.now().Add(time.Hour)}), paas.NotFound)
	if x := got(s.Session("h1"))(t); x.User != u.ID || x.Epoch != 1 || !x.Seen.Equal(c.now()) {
		t.Fatalf("%+v", x)
	}
	_, err := s.Session("h2")
	wantKind(t, err, paas.NotFound)

	c.add(30 * time.Second)
	must(t, s.TouchSession("h1", c.now().Add(48*time.Hour)))
	if x := got(s.Session("h1"))(t); x.Seen.Equal(c.now()) {
		t.Fatal("written again within a minute")
	}
	c.add(time.Minute)
	must(t, s.TouchSession("h1", c.now().Add(48*time.Hour)))
	c.add(47 * time.Hour)
	if _, err := s.Session("h1"); err != nil {
		t.Fatal("the end was not moved")
	}
	c.add(2 * time.Hour)
	_, err = s.Session("h1")
	wantKind(t, err, paas.NotFound)

	must(t, s.CreateSession(session("h2")))
	must(t, s.CreateSession(session("h3")))
	if all := got(s.SessionsOf(u.ID))(t); len(all) != 2 {
		t.Fatalf("%d sessions", len(all))
	}
	must(t, s.DeleteSession("h2"))
	must(t, s.DeleteSession("h2"))
	_, err = s.Session("h2")
	wantKind(t, err, paas.NotFound)
	must(t, s.UpdateUser(anna, u.ID, func(u *paas.User) error { u.PasswordHash = "new"; return nil }))
	_, err = s.Session("h3")
	wantKind(t, err, paas.NotFound)
	must(t, s.CreateSession(session("h4")))
	must(t, s.DeleteSessionsOf(u.ID))
	_, err = s.Session("h4")
	wantKind(t, err, paas.NotFound)
	for i := range maxSessions + 5 {
		must(t, s.CreateSession(session(fmt.Sprintf("many%d", i))))
		c.add(time.Second)
	}
	if all := got(s.SessionsOf(u.ID))(t); len(all) != maxSessions || all[0].Hash != fmt.Sprintf("many%d", maxSessions+4) {
		t.Fatalf("%d sessions", len(all))
	}
}

func TestTokens(t *testing.T) {
	s, c := timed(t)
	u := owner(t, s)
	team := got(s.Team())(t)
	tok := got(s.CreateToken(anna, paas.Token{Name: "laptop", Hash: "h1", User: u.ID, Expires: c.now().Add(time.Hour)}))(t)
	if !paas.IsID("tok", tok.ID) || tok.Scope.Team != team.ID {
		t.Fatalf("%+v", tok)
	}
	_, err := s.CreateToken(anna, paas.Token{Name: "again", Hash: "h1"})
	wantKind(t, err, paas.Conflict)
	_, err = s.CreateToken(anna, paas.Token{Hash: "h9"})
	wantKind(t, err, paas.Invalid)
	if found := got(s.TokenByHash("h1"))(t); found.ID != tok.ID {
		t.Fatal("another token")
	}
	_, err = s.TokenByHash("h2")
	wantKind(t, err, paas.NotFound)
	must(t, s.TouchToken(tok.ID))
	c.add(30 * time.Second)
	must(t, s.TouchToken(tok.ID))
	if used := got(s.Token(tok.ID))(t).LastUsed; used.Equal(c.now()) || used.IsZero() {
		t.Fatalf("last used %v", used)
	}
	c.add(2 * time.Hour)
	_, err = s.TokenByHash("h1")
	wantKind(t, err, paas.Unauthenticated)
	if all := got(s.Tokens())(t); len(all) != 1 {
		t.Fatalf("%d tokens", len(all))
	}
	must(t, s.RevokeToken(anna, tok.ID))
	wantKind(t, s.RevokeToken(anna, tok.ID), paas.NotFound)
	_, err = s.TokenByHash("h1")
	wantKind(t, err, paas.NotFound)
	for _, action := range []paas.EventName{paas.EventTokenRevoked, paas.EventTokenCreated} {
		if e := got(s.Events(EventFilter{Subject: tok.ID}))(t); e[0].Action != action && e[1].Action != action {
			t.Errorf("no event %s", action)
		}
	}
}

func TestMemberships(t *testing.T) {
	s := opened(t)
	u := owner(t, s)
	var team paas.Path
	must(t, s.update(func(tx *Tx) error {
		team = got(tx.teamPath())(t)
		project := paas.Path{Team: team.Team, Project: "prj_1"}
		one := got(tx.Join(u.ID, project, paas.Owner))(t)
		if again := got(tx.Join(u.ID, project, paas.Owner))(t); again.ID != one.ID {
			t.Errorf("two memberships at one place: %+v %+v", one, again)
		}
		if all := got(tx.Memberships(u.ID))(t); len(all) != 2 || all[0].Path != team || all[1].ID != one.ID {
			t.Errorf("%+v", all)
		}
		_, err := tx.Join(u.ID, team, "captain")
		wantKind(t, err, paas.NotFound)
		return tx.Leave(u.ID, one.ID)
	}))
	err := s.update(func(tx *Tx) error { return tx.Leave(u.ID, got(tx.Memberships(u.ID))(t)[0].ID) })
	wantKind(t, err, paas.Conflict)
	if u := got(s.User(u.ID))(t); u.Role != paas.Owner {
		t.Errorf("%+v", u)
	}
}

func TestIdentityBelongsToOnePerson(t *testing.T) {
	s := opened(t)
	u := owner(t, s)
	id := paas.Identity{Provider: "login.example.com", Subject: "4711"}
	link := func(user string, ids ...paas.Identity) error {
		return s.UpdateUser(anna, user, func(u *paas.User) error { u.Identities = ids; return nil })
	}
	must(t, link(u.ID, id))
	must(t, link(u.ID, id, paas.Identity{Provider: "github.com", Subject: "anna"}))
	must(t, s.update(func(tx *Tx) error {
		return tx.put(userBucket, "usr_2", userRecord{User: paas.User{ID: "usr_2", Email: "b@example.com", PasswordHash: "x"}})
	}))
	wantKind(t, link("usr_2", id), paas.Conflict)
	must(t, link(u.ID))
	must(t, link("usr_2", id))
	wantKind(t, link("usr_2", paas.Identity{Provider: "a/b", Subject: "x"}), paas.Invalid)
}
