package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cloudsania/cloudsania/paas"
)

// Names of apps are "app" or "project/app" or an id; env is an environment's name, "" for production.

func appPath(app string, rest string) string { return "/apps/" + url.PathEscape(app) + rest }

// Health asks whether control answers.
func (c *Client) Health(ctx context.Context) (out Health, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/health"}, &out)
}

// System tells how the installation stands.
func (c *Client) System(ctx context.Context) (out System, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/system"}, &out)
}

// Builder tells how far the server is with getting ready for builds.
func (c *Client) Builder(ctx context.Context) (out Builder, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/builder"}, &out)
}

// Me tells whom the credential stands for.
func (c *Client) Me(ctx context.Context) (out Me, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/users/me"}, &out)
}

// Apps lists the apps that the credential can see.
func (c *Client) Apps(ctx context.Context) (out Apps, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/apps"}, &out)
}

// App shows one app with its newest deployments.
func (c *Client) App(ctx context.Context, app, env string) (out AppDetail, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: appPath(app, ""), query: in("env", env)}, &out)
}

// CreateApp makes an app. Conflict when the name is taken.
func (c *Client) CreateApp(ctx context.Context, app CreateApp) (out App, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: "/apps", in: app}, &out)
}

// UpdateApp changes an app, its name too.
func (c *Client) UpdateApp(ctx context.Context, app, env string, change UpdateApp) (out App, err error) {
	return out, c.do(ctx, call{method: http.MethodPatch, path: appPath(app, ""), query: in("env", env), in: change}, &out)
}

// DeleteApp removes an app and all that belongs to it.
func (c *Client) DeleteApp(ctx context.Context, app string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: appPath(app, "")}, nil)
}

// Deployments lists deployments, newest first; limit 0 takes the server's default.
func (c *Client) Deployments(ctx context.Context, app, env string, limit int) (out Deployments, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: appPath(app, "/deployments"), query: in("env", env, "limit", number(limit))}, &out)
}

// Deployment shows one deployment.
func (c *Client) Deployment(ctx context.Context, id string) (out Deployment, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/deployments/" + url.PathEscape(id)}, &out)
}

// Deploy queues a deployment of code that the server can fetch itself.
func (c *Client) Deploy(ctx context.Context, app, env string, what CreateDeployment) (out Deployment, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: appPath(app, "/deployments"), query: in("env", env), in: what}, &out)
}

// DeployArchive uploads a zip, tar or tar.gz and queues its deployment. Size 0 means unknown.
func (c *Client) DeployArchive(ctx context.Context, app, env, name string, archive io.Reader, size int64) (out Deployment, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: appPath(app, "/deployments"), query: in("env", env, "filename", name),
		body: archive, size: size, contentType: "application/octet-stream"}, &out)
}

// Detect uploads an archive and says how it would be built, without deploying it.
func (c *Client) Detect(ctx context.Context, name string, archive io.Reader, size int64) (out Detected, err error) {
	return out, c.do(ctx, call{
		method:      http.MethodPost,
		path:        "/detect",
		query:       in("filename", name),
		body:        archive,
		size:        size,
		contentType: "application/octet-stream",
	}, &out)
}

// Cancel stops a deployment that is not live yet.
func (c *Client) Cancel(ctx context.Context, id string) (out Deployment, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: "/deployments/" + url.PathEscape(id) + "/cancel"}, &out)
}

// DeploymentLog is the log as it is now, from line number from on.
func (c *Client) DeploymentLog(ctx context.Context, id string, from int) (out Log, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/deployments/" + url.PathEscape(id) + "/log", query: in("from", number(from))}, &out)
}

// Follow calls fn for each line of the deployment's log, old and new, until it is done, and returns it as it ended. It
// survives a restart of control. fn's error ends it; the deployment does not care.
func (c *Client) Follow(ctx context.Context, id string, fn func(LogLine) error) (done Deployment, err error) {
	err = c.stream(ctx, "/deployments/"+url.PathEscape(id)+"/log/stream", nil, "", true, func(e ServerEvent) error {
		switch e.Name {
		case "deploy.log":
			var l LogLine
			if err := json.Unmarshal(e.Data, &l); err != nil {
				return fmt.Errorf("decode log line: %w", err)
			}
			return fn(l)
		case "deploy.done":
			if err := json.Unmarshal(e.Data, &done); err != nil {
				return fmt.Errorf("decode deployment: %w", err)
			}
			return errStop
		}
		return nil
	})
	return done, err
}

// Releases lists releases, newest first.
func (c *Client) Releases(ctx context.Context, app, env string) (out Releases, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: appPath(app, "/releases"), query: in("env", env)}, &out)
}

// Rollback queues a deployment of an older release; version 0 is the one that was live before.
func (c *Client) Rollback(ctx context.Context, app, env string, version int) (out Deployment, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: appPath(app, "/rollback"), query: in("env", env), in: Rollback{Version: version}}, &out)
}

// Variables lists names, never values.
func (c *Client) Variables(ctx context.Context, app, env string) (out Variables, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: appPath(app, "/variables"), query: in("env", env)}, &out)
}

// ChangeVariables sets and unsets variables; the answer names the deployment that applies them, if the app is live.
func (c *Client) ChangeVariables(ctx context.Context, app, env string, change ChangeVariables) (out Variables, err error) {
	return out, c.do(ctx, call{method: http.MethodPatch, path: appPath(app, "/variables"), query: in("env", env), in: change}, &out)
}

// LogsOptions choose lines of an app's output.
type LogsOptions struct {
	Tail  int       // the newest so many; 0: the server's default
	Since time.Time // zero: no bound
}

// Logs is an app's output as it is now.
func (c *Client) Logs(ctx context.Context, app, env string, o LogsOptions) (out Log, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: appPath(app, "/logs"), query: o.query(env)}, &out)
}

// FollowLogs calls fn for the newest lines and then for each that comes, until ctx ends or fn returns an error. A
// broken stream is taken up again where it broke.
func (c *Client) FollowLogs(ctx context.Context, app, env string, o LogsOptions, fn func(LogLine) error) error {
	return c.stream(ctx, appPath(app, "/logs/stream"), o.query(env), "", true, func(e ServerEvent) error {
		if e.Name != "log.line" {
			return nil
		}
		var l LogLine
		if err := json.Unmarshal(e.Data, &l); err != nil {
			return fmt.Errorf("decode log line: %w", err)
		}
		return fn(l)
	})
}

func (o LogsOptions) query(env string) url.Values {
	q := in("env", env, "tail", number(o.Tail))
	if !o.Since.IsZero() {
		q.Set("since", o.Since.UTC().Format(time.RFC3339Nano))
	}
	return q
}

// Tokens lists the tokens.
func (c *Client) Tokens(ctx context.Context) (out Tokens, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/tokens"}, &out)
}

// CreateToken makes a token. Its text is in this answer only.
func (c *Client) CreateToken(ctx context.Context, t CreateToken) (out NewToken, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: "/tokens", in: t}, &out)
}

// RevokeToken ends a token at once. It takes an id.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/tokens/" + url.PathEscape(id)}, nil)
}

// EventsOptions choose audit events. Zero members choose all.
type EventsOptions struct {
	App    string
	Before uint64
	Limit  int
}

// Events lists audit events, newest first.
func (c *Client) Events(ctx context.Context, o EventsOptions) (out Events, err error) {
	q := in("app", o.App, "limit", number(o.Limit))
	if o.Before > 0 {
		q.Set("before", strconv.FormatUint(o.Before, 10))
	}
	return out, c.do(ctx, call{method: http.MethodGet, path: "/events", query: q}, &out)
}

// VerifyEvents checks the whole chain.
func (c *Client) VerifyEvents(ctx context.Context) (out Verified, err error) {
	return out, c.do(ctx, call{method: http.MethodGet, path: "/events/verify"}, &out)
}

// IssueClaim makes a new claim link; only on the local socket, and only while there is no owner.
func (c *Client) IssueClaim(ctx context.Context) (out ClaimLink, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: "/claim/link"}, &out)
}

// Claim makes the owner.
func (c *Client) Claim(ctx context.Context, claim Claim) (out User, err error) {
	return out, c.do(ctx, call{method: http.MethodPost, path: "/claim", in: claim}, &out)
}

// Err is what a finished deployment means for its caller: nil when it is live, else the failure as a *paas.Error.
func (d Deployment) Err() error {
	if !d.Done() || d.Succeeded() {
		return nil
	}
	e := &paas.Error{Kind: paas.Failed, Msg: "the deployment " + d.Status}
	switch {
	case d.Failure != nil:
		e.Kind, e.Msg, e.Hint = paas.Kind(d.Failure.Kind), d.Failure.Message, d.Failure.Hint
	case d.Status == "superseded":
		e.Kind, e.Msg = paas.Cancelled, "a newer deployment took this one's place before it began"
	case d.Status == "cancelled":
		e.Kind, e.Msg = paas.Cancelled, "the deployment was stopped"
	case d.Status == "interrupted":
		e.Msg, e.Hint = "a restart of the server interrupted the deployment", "deploy again"
	}
	return e
}
