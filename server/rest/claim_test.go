package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/server/servertest"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

func claimBody(secret, password, more string) string {
	return fmt.Sprintf(`{"claim":%q,"name":"Ada","email":"ada@example.com","password":%q%s}`, secret, password, more)
}

func newClaim(r *servertest.Rig) string {
	r.T.Helper()
	var link api.ClaimLink
	r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/claim/link", Local: true}, &link)
	secret, ok := strings.CutPrefix(link.URL, servertest.Origin+"/claim/")
	if !ok || len(secret) < 26 {
		r.T.Fatalf("claim link %q", link.URL)
	}
	return secret
}

func TestClaim(t *testing.T) {
	r := servertest.New(t)
	r.Run()
	secret := newClaim(r)
	if e := r.Refused(http.StatusUnauthorized, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody("wrong", servertest.OwnerPassword, "")}); e.Field != "claim" {
		t.Errorf("a wrong claim: %+v", e)
	}
	if e := r.Refused(http.StatusBadRequest, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, "short", "")}); e.Field != "password" {
		t.Errorf("a short password: %+v", e)
	}
	var u api.User
	got := r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, servertest.OwnerPassword, "")}, &u)
	if u.Role != "owner" || u.TOTP || u.Email != servertest.OwnerEmail {
		t.Errorf("owner %+v", u)
	}
	cookie := sessionCookie(t, got, "__Host-cs")
	r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/users/me", Cookie: cookie.Value}, nil)

	// the claim is gone, and nothing about it can be asked any more
	if e := r.Refused(http.StatusConflict, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, servertest.OwnerPassword, "")}); !strings.Contains(e.Message, "owner already") {
		t.Errorf("a second claim: %+v", e)
	}
	r.Refused(http.StatusConflict, servertest.Ask{Method: "POST", Path: "/api/v1/claim/totp", Body: `{"claim":"x"}`})
	r.Refused(http.StatusConflict, servertest.Ask{Method: "POST", Path: "/api/v1/claim/link", Local: true})
	r.Refused(http.StatusUnauthorized, servertest.Ask{Method: "POST", Path: "/api/v1/claim/link"})
	if strings.Contains(r.Logs.String(), secret) {
		t.Error("the claim is in the log")
	}
}

func TestClaimWithSecondFactor(t *testing.T) {
	r := servertest.New(t)
	r.Run()
	secret := newClaim(r)
	r.Refused(http.StatusUnauthorized, servertest.Ask{Method: "POST", Path: "/api/v1/claim/totp", Body: `{"claim":"wrong"}`})
	var e api.EnrolmentSecret
	r.Want(http.StatusOK, servertest.Ask{Method: "POST", Path: "/api/v1/claim/totp", Body: fmt.Sprintf(`{"claim":%q,"email":"ada@example.com"}`, secret)}, &e)
	if !strings.HasPrefix(e.URI, "otpauth://totp/Cloudsania:ada@example.com?") || !strings.Contains(e.URI, e.Secret) || !strings.HasPrefix(e.QR, "<svg ") || strings.Contains(e.QR, "style") {
		t.Errorf("enrolment %+v", e)
	}
	code := servertest.CodeAt(t, e.Secret, r.Clock.Now())
	if e := r.Refused(http.StatusBadRequest, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, "eight888", fmt.Sprintf(`,"secret":%q,"code":"000000"`, e.Secret))}); e.Field != "code" && code != "000000" {
		t.Errorf("a wrong code: %+v", e)
	}
	r.Refused(http.StatusBadRequest, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, "eight888", `,"secret":"A","code":"000000"`)})
	r.Refused(http.StatusBadRequest, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, "eight888", "")}) // too short to stand alone
	var u api.User
	r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(secret, "eight888", fmt.Sprintf(`,"secret":%q,"code":%q`, e.Secret, code))}, &u)
	if !u.TOTP {
		t.Errorf("owner %+v", u)
	}
}

// The installer asks for a link at its end, also when the owner chose a secret beforehand.
func TestPresetClaimNeedsNoLink(t *testing.T) {
	preset := "four words in a row"
	r := servertest.New(t)
	if err := r.Auth.PresetClaim(paas.NewSecret(preset)); err != nil {
		t.Fatal(err)
	}
	r.Run()
	var link api.ClaimLink
	r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/claim/link", Local: true}, &link)
	if link.URL != "" || !link.Expires.IsZero() {
		t.Errorf("a link takes the place of the chosen secret: %+v", link)
	}
	r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/claim", Body: claimBody(preset, servertest.OwnerPassword, "")}, nil)
}

// The administrator on the machine can do everything before there is an owner, which is what an installer needs.
func TestLocalRootNeedsNoClaim(t *testing.T) {
	r := servertest.New(t)
	r.Run()
	r.Want(http.StatusCreated, servertest.Ask{Method: "POST", Path: "/api/v1/apps", Local: true, Body: `{"name":"demo"}`}, nil)
	var me api.Me
	r.Want(http.StatusOK, servertest.Ask{Path: "/api/v1/users/me", Local: true}, &me)
	if me.Kind != "root" {
		t.Errorf("%+v", me)
	}
	if got := r.Do(servertest.Ask{Path: "/api/v1/health"}); got.Status != http.StatusNotFound {
		t.Errorf("others learn that something is here: %d", got.Status)
	}
}
