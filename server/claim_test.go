package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func claimBody(secret, password, more string) string {
	return fmt.Sprintf(`{"claim":%q,"name":"Ada","email":"ada@example.com","password":%q%s}`, secret, password, more)
}

// codeAt is what an authenticator app shows.
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := hotp.GenerateCode(secret, uint64(at.Unix()/totpPeriod))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (r *rig) newClaim() string {
	r.t.Helper()
	var link api.ClaimLink
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim/link", local: true}, &link)
	secret, ok := strings.CutPrefix(link.URL, testOrigin+"/claim/")
	if !ok || len(secret) < 26 {
		r.t.Fatalf("claim link %q", link.URL)
	}
	return secret
}

func TestClaim(t *testing.T) {
	r := newRig(t)
	r.run()
	secret := r.newClaim()
	if e := r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim", body: claimBody("wrong", ownerPassword, "")}); e.Field != "claim" {
		t.Errorf("a wrong claim: %+v", e)
	}
	if e := r.refused(http.StatusBadRequest, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, "short", "")}); e.Field != "password" {
		t.Errorf("a short password: %+v", e)
	}
	var u api.User
	got := r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, ownerPassword, "")}, &u)
	if u.Role != "owner" || u.TOTP || u.Email != ownerEmail {
		t.Errorf("owner %+v", u)
	}
	cookie := sessionCookie(t, got, "__Host-cs")
	r.want(http.StatusOK, ask{path: "/api/v1/users/me", cookie: cookie.Value}, nil)

	// the claim is gone, and nothing about it can be asked any more
	if e := r.refused(http.StatusConflict, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, ownerPassword, "")}); !strings.Contains(e.Message, "owner already") {
		t.Errorf("a second claim: %+v", e)
	}
	r.refused(http.StatusConflict, ask{method: "POST", path: "/api/v1/claim/totp", body: `{"claim":"x"}`})
	r.refused(http.StatusConflict, ask{method: "POST", path: "/api/v1/claim/link", local: true})
	r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim/link"})
	if strings.Contains(r.logs.String(), secret) {
		t.Error("the claim is in the log")
	}
}

func TestClaimWithSecondFactor(t *testing.T) {
	r := newRig(t)
	r.run()
	secret := r.newClaim()
	r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim/totp", body: `{"claim":"wrong"}`})
	var e api.EnrolmentSecret
	r.want(http.StatusOK, ask{method: "POST", path: "/api/v1/claim/totp", body: fmt.Sprintf(`{"claim":%q,"email":"ada@example.com"}`, secret)}, &e)
	if !strings.HasPrefix(e.URI, "otpauth://totp/Cloudsania:ada@example.com?") || !strings.Contains(e.URI, e.Secret) || !strings.HasPrefix(e.QR, "<svg ") || strings.Contains(e.QR, "style") {
		t.Errorf("enrolment %+v", e)
	}
	code := codeAt(t, e.Secret, r.clock.now())
	if e := r.refused(http.StatusBadRequest, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, "eight888", fmt.Sprintf(`,"secret":%q,"code":"000000"`, e.Secret))}); e.Field != "code" && code != "000000" {
		t.Errorf("a wrong code: %+v", e)
	}
	r.refused(http.StatusBadRequest, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, "eight888", `,"secret":"A","code":"000000"`)})
	r.refused(http.StatusBadRequest, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, "eight888", "")}) // too short to stand alone
	var u api.User
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, "eight888", fmt.Sprintf(`,"secret":%q,"code":%q`, e.Secret, code))}, &u)
	if !u.TOTP {
		t.Errorf("owner %+v", u)
	}
	login := func(code string) ask {
		return ask{method: "POST", path: "/api/v1/login", body: fmt.Sprintf(`{"email":"ADA@example.com ","password":"eight888","code":%q}`, code)}
	}
	for range 2 * freeTries { // a browser asks for the code in a second step: that is no guess
		if e := r.refused(http.StatusUnauthorized, login("")); e.Field != "code" {
			t.Errorf("without a code: %+v", e)
		}
	}
	r.refused(http.StatusUnauthorized, login(code)) // it made the owner: a code works once
	r.clock.move(totpPeriod * time.Second)
	r.want(http.StatusOK, login(codeAt(t, e.Secret, r.clock.now())), nil)
}

// Of many requests with the same claim, exactly one makes the owner.
func TestClaimOnce(t *testing.T) {
	r := newRig(t)
	r.run()
	body := claimBody(r.newClaim(), ownerPassword, "")
	var mu sync.Mutex
	won := map[int]int{}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			got := r.do(ask{method: "POST", path: "/api/v1/claim", body: body})
			mu.Lock()
			defer mu.Unlock()
			won[got.status]++
		})
	}
	wg.Wait()
	if won[http.StatusCreated] != 1 {
		t.Errorf("statuses %v", won)
	}
}

func TestClaimExpiresAndIsReplaced(t *testing.T) {
	r := newRig(t)
	r.run()
	first := r.newClaim()
	second := r.newClaim()
	r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim", body: claimBody(first, ownerPassword, "")})
	r.clock.move(claimLife + time.Second)
	r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim", body: claimBody(second, ownerPassword, "")})
}

func TestClaimGuessesAreSlowedDown(t *testing.T) {
	r := newRig(t)
	r.run()
	secret := r.newClaim()
	for range freeTries {
		r.refused(http.StatusUnauthorized, ask{method: "POST", path: "/api/v1/claim", body: claimBody("wrong", ownerPassword, "")})
	}
	got := r.do(ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, ownerPassword, "")})
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("after %d guesses: %d, Retry-After %q", freeTries, got.status, got.header.Get("Retry-After"))
	}
	// another network is not held up
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim", body: claimBody(secret, ownerPassword, ""), header: map[string]string{"X-Forwarded-For": "192.0.2.1"}}, nil)
}

func TestPresetClaim(t *testing.T) {
	preset := "four words in a row"
	r := newRig(t, func(o *Options) { o.Claim = paas.NewSecret(preset) })
	r.run()
	r.clock.move(1000 * time.Hour) // valid until used
	var link api.ClaimLink
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim/link", local: true}, &link) // as the installer asks at its end
	if link.URL != "" || !link.Expires.IsZero() {
		t.Errorf("a link takes the place of the chosen secret: %+v", link)
	}
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim", body: claimBody(preset, ownerPassword, "")}, nil)

	short := newRig(t)
	if err := short.presetClaim(paas.NewSecret("short")); !paas.IsKind(err, paas.Invalid) {
		t.Errorf("a short claim: %v", err)
	}
	claimed := newClaimed(t)
	if err := claimed.presetClaim(paas.NewSecret(preset)); err != nil { // the setting may stay where it is
		t.Errorf("a preset after the claim: %v", err)
	}
}

// The administrator on the machine can do everything before there is an owner, which is what an installer needs.
func TestLocalRootNeedsNoClaim(t *testing.T) {
	r := newRig(t)
	r.run()
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/apps", local: true, body: `{"name":"demo"}`}, nil)
	var me api.Me
	r.want(http.StatusOK, ask{path: "/api/v1/users/me", local: true}, &me)
	if me.Kind != "root" {
		t.Errorf("%+v", me)
	}
	if got := r.do(ask{path: "/api/v1/health"}); got.status != http.StatusNotFound {
		t.Errorf("others learn that something is here: %d", got.status)
	}
}

func TestQRIsOneThatCanBeScanned(t *testing.T) {
	size, dark, err := QRModules("otpauth://totp/Cloudsania:ada@example.com?issuer=Cloudsania&secret=" + strings.Repeat("A", 32))
	if err != nil || size < 21 || (size-17)%4 != 0 {
		t.Fatalf("size %d, %v", size, err)
	}
	finder := []string{"#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"}
	for _, corner := range [][2]int{{0, 0}, {size - 7, 0}, {0, size - 7}} {
		for y, row := range finder {
			for x, want := range row {
				if dark(corner[0]+x, corner[1]+y) != (want == '#') {
					t.Fatalf("no finder pattern at %v", corner)
				}
			}
		}
	}
	svg, err := qrSVG("x")
	if err != nil || strings.Contains(svg, "<script") {
		t.Error(svg, err)
	}
	if _, err := qrSVG(strings.Repeat("x", 10_000)); err == nil {
		t.Error("what does not fit is drawn")
	}
}
