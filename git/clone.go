package git

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/disk"
	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
)

const maxURLBytes = 2000

// Clone writes the newest files of a branch of a public repository into dir, which must exist and be empty, and says
// which commit they are. An empty branch is the repository's own default. Only https addresses without credentials are
// taken, only public hosts are reached, at the addresses that they had when we looked, through a tunnel of ours that
// leads nowhere else: redirects to other hosts end there. Submodules and LFS files are not fetched. What a person can
// correct is an error of kind Invalid or TooLarge, what may work later Unavailable.
func (s *Server) Clone(ctx context.Context, address, branch, dir string) (paas.Source, error) {
	src := paas.Source{Kind: paas.SourceExternal, URL: address, Branch: branch}
	u, err := s.parseURL(address)
	if err != nil {
		return src, err
	}
	if branch != "" && checkRef(branchPrefix+branch) != "" {
		return src, paas.Invalidf("branch", "name a branch, such as main", "%q cannot be a branch", paas.Clip(branch, 60))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.CloneTimeout, &paas.Error{Kind: paas.Unavailable,
		Msg: fmt.Sprintf("cloning took longer than %v", s.o.CloneTimeout), Hint: "try again later; is the repository very large?"})
	defer cancel()
	scratch := filepath.Join(s.o.Root, prefixClone+newName())
	defer func() {
		if err := os.RemoveAll(scratch); err != nil {
			s.log.Warn("clone could not be removed", "dir", scratch, "err", err)
		}
	}()
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return src, fmt.Errorf("clone: %w", disk.Full(err))
	}
	repo := &repo{filepath.Join(scratch, "repo.git")}
	if err := s.download(ctx, u, branch, repo); err != nil {
		return src, err
	}
	if src.Branch == "" {
		out, err := run.Output(ctx, s.in(repo, "symbolic-ref", "--short", "HEAD"))
		if err != nil {
			return src, fmt.Errorf("read default branch: %w", err)
		}
		src.Branch = strings.TrimSpace(string(out))
	}
	out, err := run.Output(ctx, s.in(repo, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"))
	if err != nil {
		return src, paas.Invalidf("url", "push a commit to it first", "the repository %s is empty", u.Redacted())
	}
	src.Commit = strings.TrimSpace(string(out))
	if src.Message, src.Author, err = s.info(ctx, repo, src.Commit); err != nil {
		return src, err
	}
	if err := os.MkdirAll(filepath.Join(repo.dir, "info"), 0o700); err != nil {
		return src, fmt.Errorf("clone: %w", disk.Full(err))
	}
	if err := disk.WriteFile(filepath.Join(repo.dir, "info", "attributes"), []byte(ownAttributes)); err != nil {
		return src, fmt.Errorf("clone: %w", disk.Full(err))
	}
	return src, s.export(ctx, repo, src.Commit, dir)
}

// parseURL takes public addresses only.
func (s *Server) parseURL(address string) (*url.URL, error) {
	if user, rest, ok := strings.Cut(address, "@"); ok && !strings.Contains(user, "/") && strings.Contains(rest, ":") {
		return nil, paas.Invalidf("url", "use the https address, such as https://github.com/owner/project",
			"addresses for SSH are not supported")
	}
	u, err := url.Parse(address)
	hint := "give the https address that a browser shows, such as https://github.com/owner/project"
	switch {
	case err != nil || len(address) > maxURLBytes || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, paas.Invalidf("url", hint, "this is not an address")
	case u.User != nil:
		return nil, paas.Invalidf("url", "only public repositories can be cloned; push a private one to the built-in remote",
			"the address must not hold credentials")
	case u.Scheme == "http" && s.o.AllowPrivate && isLoopback(u.Hostname()):
	case u.Scheme != "https" || u.Hostname() == "":
		return nil, paas.Invalidf("url", hint, "%q is not an https address", paas.Clip(address, 100))
	}
	if u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") == "" {
		return nil, paas.Invalidf("url", hint, "%q is not the address of a repository", paas.Clip(address, 100))
	}
	return u, nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// download clones into repo through a tunnel; loopback addresses without TLS, which only tests use, directly.
func (s *Server) download(ctx context.Context, u *url.URL, branch string, repo *repo) error {
	config := []string{"protocol.https.allow=always", "http.followRedirects=initial", "http.lowSpeedLimit=500", "http.lowSpeedTime=60",
		"transfer.fsckObjects=true", "transfer.bundleURI=false", "submodule.recurse=false", "protocol.version=2"}
	for fault := range strings.SplitSeq(lenient, ",") {
		config = append(config, "fetch.fsck."+fault)
	}
	if s.o.CloneRoots != "" {
		config = append(config, "http.sslCAInfo="+s.o.CloneRoots)
	}
	var way *tunnel
	if u.Scheme == "https" {
		addrs, err := s.resolve(ctx, u)
		if err != nil {
			return err
		}
		if way, err = openTunnel(ctx, hostPort(u), addrs, s.o.MaxCloneBytes, s.o.Stall); err != nil {
			return err
		}
		defer way.close()
		config = append(config, "http.proxy=http://"+way.addr())
	} else {
		config = append(config, "protocol.http.allow=always", "http.proxy=", "http.followRedirects=false")
	}
	var args []string
	for _, kv := range config {
		args = append(args, "-c", kv)
	}
	args = append(args, "clone", "--quiet", "--bare", "--template=", "--depth=1", "--single-branch", "--no-tags")
	if branch != "" {
		args = append(args, "--branch="+branch)
	}
	c := s.command(append(args, "--", u.String(), repo.dir)...)
	c.Limits = s.limits()
	err := run.Run(ctx, c)
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return cloneError(u, branch, way, err)
}

// resolve looks the host up once: the tunnel goes to these addresses whatever its name points to a moment later.
func (s *Server) resolve(ctx context.Context, u *url.URL) ([]netip.AddrPort, error) {
	const patience = 10 * time.Second
	lctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(lctx, "ip", u.Hostname())
	if err != nil {
		return nil, &paas.Error{Kind: paas.Invalid, Field: "url", Msg: fmt.Sprintf("the host %q was not found", paas.Clip(u.Hostname(), 100)),
			Hint: "check the address", Err: err}
	}
	_, port, err := net.SplitHostPort(hostPort(u))
	if err != nil {
		return nil, paas.Invalidf("url", "check the address", "this is not an address")
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		if !s.o.AllowPrivate && !isPublic(a) {
			return nil, paas.Invalidf("url", "only repositories on the public internet can be cloned; push a private one to the built-in remote",
				"the host %q is not on the public internet", paas.Clip(u.Hostname(), 100))
		}
		ap, err := netip.ParseAddrPort(net.JoinHostPort(a.Unmap().String(), port))
		if err != nil {
			return nil, paas.Invalidf("url", "check the address", "%q is not a port", paas.Clip(port, 20))
		}
		list = append(list, ap)
	}
	return list, nil
}

// hostPort is how a client asks a proxy for the way to u.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// cloneError says in plain words what git's message means.
func cloneError(u *url.URL, branch string, way *tunnel, err error) error {
	var exit *run.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("clone: %w", disk.Full(err))
	}
	text, where := exit.Stderr, u.Redacted()
	e := &paas.Error{Kind: paas.Invalid, Field: "url", Err: err}
	switch {
	case way != nil && way.overLimit():
		e.Kind, e.Msg = paas.TooLarge, "the repository is too large to clone"
		e.Hint = "push it to the built-in remote, or make it smaller"
	case way != nil && way.otherHost() != "":
		e.Msg = fmt.Sprintf("%s redirects to another host, %q", where, paas.Clip(way.otherHost(), 100))
		e.Hint = "give the address where the repository really is"
	case strings.Contains(text, "Remote branch"):
		e.Field, e.Msg = "branch", fmt.Sprintf("the repository has no branch %q", branch)
		e.Hint = "check its name, or leave it empty for the default branch"
	case strings.Contains(text, "could not read Username"), strings.Contains(text, "Authentication failed"), strings.Contains(text, "error: 403"):
		e.Msg = fmt.Sprintf("there is no public repository at %s", where)
		e.Hint = "check the address; a private repository can be pushed to the built-in remote"
	case strings.Contains(text, "not found"), strings.Contains(text, "not valid: is this a git repository"):
		e.Msg, e.Hint = fmt.Sprintf("there is no repository at %s", where), "check the address"
	case strings.Contains(text, "SSL"), strings.Contains(text, "certificate"):
		e.Msg = fmt.Sprintf("the certificate of %s is not valid", u.Host)
		e.Hint = "only hosts with a publicly trusted certificate can be cloned from"
	case fsckFault.MatchString(text), strings.Contains(text, "fsck error"):
		e.Msg, e.Hint = "the repository holds broken objects", "\"git fsck\" in a clone of it shows them"
	case exit.OOM:
		e.Kind, e.Msg = paas.TooLarge, "the repository is too large to clone"
		e.Hint = "push it to the built-in remote, or make it smaller"
	default:
		e.Kind, e.Msg = paas.Unavailable, fmt.Sprintf("cloning %s did not work", where)
		e.Hint = "try again later; is the host reachable?"
		if disk.IsFull(err) {
			return fmt.Errorf("clone: %w", disk.Full(err))
		}
	}
	return e
}
