package server

import (
	"fmt"
	"net/http"
	"strings"
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
	code, err := hotp.GenerateCode(secret, uint64(at.Unix()/30))
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
}

// The installer asks for a link at its end, also when the owner chose a secret beforehand.
func TestPresetClaimNeedsNoLink(t *testing.T) {
	preset := "four words in a row"
	r := newRig(t)
	if err := r.Auth.PresetClaim(paas.NewSecret(preset)); err != nil {
		t.Fatal(err)
	}
	r.run()
	var link api.ClaimLink
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim/link", local: true}, &link)
	if link.URL != "" || !link.Expires.IsZero() {
		t.Errorf("a link takes the place of the chosen secret: %+v", link)
	}
	r.want(http.StatusCreated, ask{method: "POST", path: "/api/v1/claim", body: claimBody(preset, ownerPassword, "")}, nil)
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
