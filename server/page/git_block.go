package page

import (
	"net/url"
	"regexp"
	"strconv"

	"github.com/cloudsania/cloudsania/control"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/server"
	"github.com/cloudsania/cloudsania/ui"
)

const gitRemoteName = "cloudsania"

// gitBlock makes a key that can push to the app and nothing else, and the lines that push with it.
func (f frame) gitBlock(c *server.Call, p control.Place) (*ui.GitBlock, error) {
	token, text, err := f.ctl.Tokens.Create(c.Ctx(), c.Principal, control.NewToken{Name: "git push to " + p.App.Name, App: p.App.ID, Actions: control.GitActions})
	if err != nil {
		return nil, err
	}
	remote := f.ctl.Remote(p)
	block := &ui.GitBlock{Remote: remote, Commands: pushCommands(remote, text.Reveal(), p.Branch)}
	if !token.Expires.IsZero() {
		block.Expires = "in " + strconv.Itoa(control.TokenDays) + " days"
	}
	if f.ctl.System.SelfSigned(c.Ctx()) {
		block.Note = "This server's certificate is its own, so git does not know it yet. The first line tells git to accept it for this address only."
		block.Commands = trustCommand(remote) + "\n" + block.Commands
	}
	return block, nil
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
		branch = paas.DefaultBranch
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
