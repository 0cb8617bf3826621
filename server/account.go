package server

import (
	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

// SignOut ends the session of this browser.
func (s *Server) SignOut(c *Call) error {
	c.setCookie("", -1)
	return s.Store.DeleteSession(c.Principal.Session)
}

// ChangePassword changes the password of whoever asks. Every session ends; this browser gets a new one.
func (s *Server) ChangePassword(c *Call, in api.ChangePassword) error {
	u, err := s.confirm(c, in.Password)
	if err != nil {
		return err
	}
	if err := checkPassword(in.New, u.Email, u.Name, u.TOTP); err != nil {
		return err
	}
	hash, err := s.passwords.hash(c.Request().Context(), in.New)
	if err != nil {
		return err
	}
	err = s.Store.UpdateUser(c.Actor(), u.ID, func(u *paas.User) error { u.PasswordHash = hash; return nil })
	if err != nil {
		return err
	}
	return s.startSession(c, u)
}

// EnableTOTP switches the second factor on once the authenticator app has shown a code.
func (s *Server) EnableTOTP(c *Call, in api.Enrol) error {
	u, err := s.confirm(c, in.Password)
	if err != nil {
		return err
	}
	step, err := checkEnrolment(in.Secret, in.Code, s.Now())
	if err != nil {
		return err
	}
	if _, err := s.enrol(u.ID, in.Secret, step); err != nil {
		return err
	}
	return s.startSession(c, u)
}

// DisableTOTP switches the second factor off. Conflict when the password is too short to stand alone.
func (s *Server) DisableTOTP(c *Call, password string) error {
	u, err := s.confirm(c, password)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Email, u.Name, false); err != nil {
		return &paas.Error{Kind: paas.Conflict, Msg: "your password is too short to stand alone", Hint: "change it to a longer one first", Err: err}
	}
	err = s.Store.UpdateUser(c.Actor(), u.ID, func(u *paas.User) error { u.TOTP = false; return nil })
	if err != nil {
		return err
	}
	return s.startSession(c, u)
}
