package server

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/api"
	"github.com/cloudsania/cloudsania/paas"
)

const gitRemoteName = "cloudsania"

func newGitToken(app paas.App) api.CreateToken {
	return api.CreateToken{Name: "git push to " + app.Name, App: app.ID, Actions: gitActions}
}

// plainWord needs no quoting in any shell.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,250}$`)

// pushCommands are the lines to paste. They hold nothing but our own words, names that are DNS labels, a token, and a branch that no shell
// reads as anything else.
func pushCommands(remote, token, branch string) string {
	u, err := url.Parse(remote)
	if err == nil {
		u.User = url.UserPassword("git", token)
		remote = u.String()
	}
	if !plainWord.MatchString(branch) {
		branch = mainBranch
	}
	return "git remote add " + gitRemoteName + " " + remote + "\ngit push " + gitRemoteName + " HEAD:" + branch
}

// trustCommand makes git accept this server's own certificate, here and nowhere else.
func trustCommand(remote string) string {
	u, err := url.Parse(remote)
	if err != nil {
		return ""
	}
	return "git config http." + u.Scheme + "://" + u.Host + "/.sslVerify false"
}

// selfSigned reports whether the edge shows visitors a certificate of its own making.
func (s *Server) selfSigned(c *Call) bool {
	if s.Health.Edges == nil || !strings.HasPrefix(s.Origin, "https://") {
		return false
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), healthTimeout)
	defer cancel()
	edges, err := s.Health.Edges(ctx)
	if err != nil {
		return false
	}
	for _, e := range edges {
		if e.Fingerprint != "" {
			return true
		}
	}
	return false
}
