package git

import (
	"net/http"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// service is one of the two directions of the protocol.
type service string

const (
	uploadPack  service = "git-upload-pack"  // the client fetches
	receivePack service = "git-receive-pack" // the client pushes
)

// call is a request as its address and content type say. The service of a request that does something is named by the
// path alone, and whatever else names one must agree: where the two could differ, readers became writers
// (CVE-2026-52810).
type call struct {
	name      string // "app" or "project/app", not looked up yet
	service   service
	advertise bool // info/refs
}

func parseCall(r *http.Request) (call, error) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/git/")
	if !ok || r.URL.RawPath != "" { // RawPath is set only for escapes that a name never needs
		return call{}, errNoSuchPath
	}
	if strings.Contains(rest, "/info/lfs") {
		return call{}, errLFS
	}
	for suffix, c := range map[string]call{
		"/info/refs":        {advertise: true},
		"/git-upload-pack":  {service: uploadPack},
		"/git-receive-pack": {service: receivePack},
	} {
		name, ok := strings.CutSuffix(rest, suffix)
		if !ok {
			continue
		}
		c.name = strings.TrimSuffix(name, ".git")
		if c.advertise {
			err := c.parseAdvertise(r)
			return c, err
		}
		return c, c.checkPost(r)
	}
	return call{}, errNoSuchPath
}

func (c *call) parseAdvertise(r *http.Request) error {
	if r.Method != http.MethodGet {
		return errMethod
	}
	q := r.URL.Query()
	switch s := service(q.Get("service")); {
	case len(q["service"]) == 0:
		return errDumb // what clients ask that expect plain files
	case len(q) != 1 || len(q["service"]) != 1 || s != uploadPack && s != receivePack:
		return paas.Invalidf("", "use a git client", "the request names no service of git's")
	default:
		c.service = s
	}
	return nil
}

func (c *call) checkPost(r *http.Request) error {
	if r.Method != http.MethodPost {
		return errMethod
	}
	if r.URL.RawQuery != "" {
		return paas.Invalidf("", "use a git client", "the request has a query where none belongs")
	}
	if ct := r.Header.Values("Content-Type"); len(ct) != 1 || ct[0] != "application/x-"+string(c.service)+"-request" {
		return errContentType
	}
	return nil
}

// checkName tells whether a repository's name in an address can be one.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) > 2 {
		return &paas.Error{Kind: paas.NotFound, Msg: "no repository has such an address",
			Hint: "the address is /git/APP.git or /git/PROJECT/APP.git"}
	}
	for _, p := range parts {
		if err := paas.CheckName(p); err != nil {
			return err
		}
	}
	return nil
}

var (
	errNoSuchPath = &paas.Error{Kind: paas.NotFound, Msg: "there is nothing here",
		Hint: "the address of a repository is /git/APP.git"}
	errDumb = &paas.Error{Kind: paas.Forbidden, Msg: "this remote speaks the smart protocol only",
		Hint: "use git 1.6.6 or newer"}
	errMethod      = &paas.Error{Kind: paas.Invalid, Msg: "this method does not belong here", Hint: "use a git client"}
	errContentType = &paas.Error{Kind: paas.Invalid, Msg: "the content type does not fit the service",
		Hint: "use a git client"}
	errLFS = &paas.Error{Kind: paas.Invalid, Msg: "git LFS is not supported",
		Hint: "commit the files themselves, or keep large ones outside of the repository"}
)
