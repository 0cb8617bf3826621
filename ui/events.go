package ui

import (
	"fmt"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// phrase is how an action reads: verb, then what it is about.
type phrase struct {
	verb   string
	object string // "app", "version", "name" (from the detail), "server", ""
	tone   string
}

var phrases = map[string]phrase{
	"installation.created": {"set up", "server", ""}, "settings.changed": {"changed settings of", "server", ""},
	"database.migrated": {"updated the database of", "server", ""}, "database.stepped_back": {"found an older database on", "server", "warn"},
	"claim.offered": {"offered a claim link for", "server", ""},
	"user.created":  {"created the account of", "name", ""}, "user.updated": {"changed the account of", "name", ""},
	"user.totp_set":   {"changed two-step sign-in", "", ""},
	"session.created": {"signed in", "", ""}, "session.refused": {"could not sign in", "", "warn"}, "session.ended": {"signed out", "", ""},
	"session.ended_all": {"signed out other browsers", "", ""},
	"token.created":     {"created the key", "name", ""}, "token.revoked": {"ended the key", "name", ""},
	"app.created": {"created", "app", ""}, "app.updated": {"changed settings of", "app", ""}, "app.renamed": {"renamed", "app", ""},
	"app.deleted": {"deleted", "name", "warn"}, "app.placed": {"added an environment to", "app", ""},
	"placement.updated": {"changed size or addresses of", "app", ""}, "variables.changed": {"changed variables of", "app", ""},
	"deployment.queued": {"asked for a deploy of", "app", ""}, "deployment.started": {"began a deploy of", "app", ""},
	"deployment.switched": {"moved visitors to", "version", ""}, "deployment.succeeded": {"brought online", "version", "ok"},
	"deployment.failed": {"could not bring online", "app", "warn"}, "deployment.superseded": {"skipped a deploy of", "app", ""},
	"deployment.cancelled": {"stopped a deploy of", "app", ""}, "deployment.interrupted": {"lost a deploy to a restart:", "app", "warn"},
	"release.created": {"made", "version", ""}, "instance.crashing": {"found that it keeps crashing:", "app", "bad"},
}

// Describe puts an event into words. app is the name of the app that it is about, "" when it is gone or there is none.
func Describe(e paas.Event, app string) Event {
	out := Event{Event: e}
	p, known := phrases[e.Action]
	if !known {
		p = phrase{verb: strings.NewReplacer(".", " ", "_", " ").Replace(e.Action), object: "app"}
	}
	if e.Action == "user.created" && e.Actor.Kind == paas.ActorClaim {
		p = phrase{verb: "became the owner of", object: "server"}
	}
	out.Verb, out.Tone = p.verb, p.tone
	if app == "" {
		app = e.Detail["name"]
	}
	switch p.object {
	case "app":
		out.Object = app
	case "version":
		out.Object = strings.TrimSpace(app + " " + version(e.Detail["number"]))
	case "name":
		if out.Object = e.Detail["name"]; out.Object == "" {
			out.Object = e.Detail["email"]
		}
	case "server":
		out.Object = "this server"
	}
	out.More = more(e)
	return out
}

func version(number string) string {
	if number == "" || number == "0" {
		return ""
	}
	return "v" + number
}

// more is the small line under an event. Details never hold a secret.
func more(e paas.Event) string {
	d := e.Detail
	switch e.Action {
	case "variables.changed":
		var parts []string
		if d["set"] != "" {
			parts = append(parts, "Set "+strings.ReplaceAll(d["set"], " ", ", "))
		}
		if d["unset"] != "" {
			parts = append(parts, "Removed "+strings.ReplaceAll(d["unset"], " ", ", "))
		}
		return strings.Join(parts, ". ")
	case "deployment.queued":
		how := map[string]string{"git": "Pushed", "external": "From its repository", "upload": "Uploaded", "rollback": "Going back", "config": "Changed variables or settings"}[d["source"]]
		if d["commit"] != "" {
			how += " " + shortCommit(d["commit"])
		}
		return how
	case "deployment.failed", "deployment.interrupted":
		return sentence(d["message"])
	case "app.renamed":
		return "Was " + d["was"]
	case "app.updated":
		var parts []string
		for _, k := range []string{"url", "branch", "root", "build_command", "start_command", "health_path"} {
			if d[k] != "" {
				parts = append(parts, strings.ReplaceAll(k, "_", " ")+" "+d[k])
			}
		}
		return strings.Join(parts, ", ")
	case "instance.crashing":
		return fmt.Sprintf("Process %s, exit code %s", d["process"], d["exit_code"])
	case "session.refused":
		return d["email"]
	}
	return ""
}
