package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/terminal"
)

// phrase is how an action reads: verb, then what it is about.
type phrase struct {
	verb   string
	object string // "app", "version", "name" (from the detail), "server", ""
	tone   string
}

var phrases = map[paas.EventName]phrase{
	paas.EventInstallationCreated: {"set up", "server", ""},
	paas.EventSettingsChanged:     {"changed settings of", "server", ""},
	paas.EventDatabaseMigrated:    {"updated the database of", "server", ""},
	paas.EventDatabaseSteppedBack: {"found an older database on", "server", "warn"},
	paas.EventClaimOffered:        {"offered a claim link for", "server", ""},

	paas.EventUserCreated:       {"created the account of", "name", ""},
	paas.EventUserUpdated:       {"changed the account of", "name", ""},
	paas.EventUserTOTPSet:       {"changed two-step sign-in", "", ""},
	paas.EventMembershipGranted: {"gave a person a role", "", ""},
	paas.EventMembershipEnded:   {"took a role from a person", "", ""},
	paas.EventSessionCreated:    {"signed in", "", ""},
	paas.EventSessionRefused:    {"could not sign in", "", "warn"},
	paas.EventSessionEnded:      {"signed out", "", ""},
	paas.EventSessionsEnded:     {"signed out other browsers", "", ""},
	paas.EventTokenCreated:      {"created the key", "name", ""},
	paas.EventTokenRevoked:      {"ended the key", "name", ""},

	paas.EventAppCreated:            {"created", "app", ""},
	paas.EventAppUpdated:            {"changed settings of", "app", ""},
	paas.EventAppRenamed:            {"renamed", "app", ""},
	paas.EventAppDeleted:            {"deleted", "name", "warn"},
	paas.EventAppPlaced:             {"added an environment to", "app", ""},
	paas.EventAppEnvironmentUpdated: {"changed settings of", "app", ""},
	paas.EventVariablesChanged:      {"changed variables of", "app", ""},

	paas.EventReleaseCreated:        {"made", "version", ""},
	paas.EventDeploymentQueued:      {"asked for a deploy of", "app", ""},
	paas.EventDeploymentStarted:     {"began a deploy of", "app", ""},
	paas.EventDeploymentSwitched:    {"moved visitors to", "version", ""},
	paas.EventDeploymentSucceeded:   {"brought online", "version", "ok"},
	paas.EventDeploymentFailed:      {"could not bring online", "app", "warn"},
	paas.EventDeploymentSuperseded:  {"skipped a deploy of", "app", ""},
	paas.EventDeploymentCancelled:   {"stopped a deploy of", "app", ""},
	paas.EventDeploymentInterrupted: {"lost a deploy to a restart:", "app", "warn"},
	paas.EventInstanceCrashing:      {"found that it keeps crashing:", "app", "bad"},
}

// Describe puts an event into words. app is the name of the app that it is about, "" when it is gone or there is none.
func Describe(e paas.Event, app string) Event {
	out := Event{Event: e}
	p, known := phrases[e.Action]
	if !known {
		p = phrase{verb: strings.NewReplacer(".", " ", "_", " ").Replace(string(e.Action)), object: "app"}
	}
	if e.Action == paas.EventUserCreated && e.Actor.Kind == paas.ActorClaim {
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
	switch d := e.Details().(type) {
	case paas.VariablesChanged:
		var parts []string
		if d.Set != "" {
			parts = append(parts, "Set "+strings.ReplaceAll(d.Set, " ", ", "))
		}
		if d.Unset != "" {
			parts = append(parts, "Removed "+strings.ReplaceAll(d.Unset, " ", ", "))
		}
		return strings.Join(parts, ". ")
	case paas.DeploymentQueued:
		how := howSourceCame[d.Source]
		if d.Commit != "" {
			how += " " + shortCommit(d.Commit)
		}
		return how
	case paas.DeploymentEnded:
		return sentence(d.Message)
	case paas.AppRenamed:
		return "Was " + d.Was
	case paas.AppUpdated, paas.AppEnvironmentUpdated:
		return changedSettings(e)
	case paas.InstanceCrashing:
		return fmt.Sprintf("Process %s, exit code %d", d.Process, d.ExitCode)
	case paas.SessionRefused:
		return sentence(d.Why)
	}
	return ""
}

var howSourceCame = map[paas.SourceKind]string{
	paas.SourceGit:      "Pushed",
	paas.SourceExternal: "From its repository",
	paas.SourceUpload:   "Uploaded",
	paas.SourceRollback: "Going back",
	paas.SourceConfig:   "Changed variables or settings",
}

// changedSettings names the settings that an event tells of, with their new values.
func changedSettings(e paas.Event) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(e.After)) {
		to := "the default"
		if e.After[k] != "" {
			to = "“" + terminal.Plain(e.After[k]) + "”"
		}
		parts = append(parts, strings.NewReplacer("_", " ", ".", " of ").Replace(k)+" "+to)
	}
	if len(parts) == 0 { // told before settings had a before and an after
		for _, k := range []string{"url", "branch", "root", "build_command", "start_command", "health_path"} {
			if e.Detail[k] != "" {
				parts = append(parts, strings.ReplaceAll(k, "_", " ")+" "+e.Detail[k])
			}
		}
	}
	return strings.Join(parts, ", ")
}
