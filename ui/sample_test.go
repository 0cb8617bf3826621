package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/qr"
)

// sample is a small agency's server in the middle of a morning: every kind of state that a page can show is somewhere in it.
type sample struct{ now time.Time }

const (
	markup  = `<script>alert("x")</script>'"><img src=x onerror=alert(1)>{{.}}`
	hostile = markup + "\u202e" // what a commit's message may hold
	long    = "a-name-of-forty-characters-the-most-ever"
)

func (s sample) ago(d time.Duration) time.Time { return s.now.Add(-d) }

func (s sample) rows(apps ...App) (rows []template.HTML) {
	for _, a := range apps {
		row, err := a.Row(s.now)
		if err != nil {
			panic(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func (s sample) shell(title, current string, crumbs ...Crumb) Shell {
	return Shell{
		Title: title, Current: current, Crumbs: append([]Crumb{{"Apps", "/"}}, crumbs...), User: Person{"Mara Lindqvist", "mara@tidewater.example"},
		Team: "Tidewater Studio", AppCount: 7, Version: "0.1.0", Use: Use{MemoryUsed: 3 << 30, MemoryTotal: 8 << 30}, Now: s.now,
		Needs: []Need{{"osterberg-shop", "/apps/osterberg-shop", Bad, "Down"}, {"ferro-booking", "/deploys/dep_2", Warn, "Did not build"}},
	}
}

func (s sample) steps(from time.Duration, names string, took ...time.Duration) []paas.StepTime {
	var out []paas.StepTime
	at := s.ago(from)
	for i, n := range strings.Fields(names) {
		out = append(out, paas.StepTime{Step: paas.Step(n), At: at})
		if i < len(took) {
			at = at.Add(took[i])
		}
	}
	return out
}

func (s sample) release(number int) *paas.Release {
	return &paas.Release{ID: fmt.Sprintf("rel_%d", number), Number: number, Created: s.ago(30 * time.Hour), Limits: paas.Limits{MemoryMB: 512, CPUs: 1}}
}

func series(n int, base, swing float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = base + swing*float64((i*7919)%13)/13 + swing*float64(i%9)/9
	}
	return out
}

func (s sample) load() paas.Load {
	return paas.Load{Known: true, MemoryBytes: 214 << 20, MemoryLimit: 512 << 20, CPUPercent: 7, Requests: 12240, SentBytes: 38 << 20,
		Memory: series(30, 200, 20), CPU: series(30, 5, 4), RequestSeries: series(30, 180, 90)}
}

var nextPlan = paas.Plan{
	Language: "node", Framework: "Next.js", PackageManager: "npm", Runtimes: []paas.Runtime{{Name: "node", Version: "22.11.0", Constraint: "^22", File: "package.json"}},
	BuildCommand: "npm run build", StartCommand: "npm start", HealthPath: "/api/health",
	Processes: []paas.Process{{Type: "web", Command: "npm start"}, {Type: "jobs", Command: "node worker.js", File: "Procfile"}},
	Missing:   []paas.Needed{{Name: "STRIPE_KEY", Required: true, File: ".env.example", Description: "From the Stripe dashboard, under Developers"}, {Name: "SESSION_SECRET", Generate: true, File: ".env.example"}},
	Facts:     []paas.Fact{{Text: "Node 22", File: "package.json"}, {Text: "Installed with npm ci", File: "package-lock.json"}, {Text: "Built with npm run build", File: "package.json"}, {Text: "Health check at /api/health", File: "app/api/health"}},
	Warnings:  []string{"no engines field, so Node 22 was chosen"},
}

func (s sample) app(name string, plan *paas.Plan, live *paas.Release, latest *paas.Deployment) App {
	a := App{App: paas.App{ID: "app_" + name, Name: name, Created: s.ago(2000 * time.Hour)}, Path: "/apps/" + name,
		Address: "https://" + name + ".203-0-113-24.sslip.io", Plan: plan, Live: live, Latest: latest}
	if live != nil {
		a.Load = s.load()
	}
	return a
}

func (s sample) deployment(n int, status paas.Status, step paas.Step, message, author string, old, took time.Duration) paas.Deployment {
	d := paas.Deployment{ID: fmt.Sprintf("dep_%d", n), Status: status, Work: paas.Work{Step: step}, Created: s.ago(old),
		Source: paas.Source{Kind: paas.SourceGit, Commit: "c41d9e2f7a11", Branch: "main", Message: message, Author: author}, Actor: paas.Actor{Kind: paas.ActorUser, Name: author}}
	if status.Done() {
		d.Ended = d.Created.Add(took)
	}
	if status == paas.Succeeded {
		d.Number, d.Release = n, fmt.Sprintf("rel_%d", n)
		d.Steps = s.steps(old, "queued source detect build start health switch done", 100*time.Millisecond, 800*time.Millisecond, 200*time.Millisecond, 58*time.Second, 2*time.Second, 6*time.Second, 300*time.Millisecond)
	}
	return d
}

func (s sample) running() Deploy {
	d := s.deployment(42, paas.Running, paas.StepHealth, "Faster checkout on slow phones", "Jonas Weber", 66*time.Second, 0)
	d.Steps = s.steps(66*time.Second, "queued source detect build start health", 100*time.Millisecond, 800*time.Millisecond, 200*time.Millisecond, 58*time.Second, 2*time.Second)
	return Deploy{Deployment: d, Path: "/deploys/dep_42", Next: 42, Before: 41, Now: s.now, Expected: Expect(s.deployment(41, paas.Succeeded, paas.StepDone, "", "", 30*time.Hour, 70*time.Second))}
}

func (s sample) failed() Deploy {
	d := s.deployment(58, paas.StatusFailed, paas.StepBuild, "Add class waiting list", "Jonas Weber", 18*time.Minute, 23*time.Second)
	d.Steps = s.steps(18*time.Minute, "queued source detect build", 100*time.Millisecond, 900*time.Millisecond, 200*time.Millisecond)
	d.Failure = &paas.Failure{Kind: paas.Failed, Step: paas.StepBuild, Message: "npm could not install the dependencies: package-lock.json does not match package.json",
		Hint: "run npm install on your computer, commit package-lock.json, and push again", Lines: []string{"npm error code EUSAGE", "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.", "npm error Missing: zod@3.24.1 from lock file"}}
	return Deploy{Deployment: d, Path: "/deploys/dep_58", Before: 57, Now: s.now}
}

func (s sample) output() []Line {
	text := []string{"Checking out c41d9e2 from main", "Detected Next.js on Node 22 (package.json)", "Installing dependencies with npm ci", "npm error code EUSAGE",
		"npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.", "npm error Missing: zod@3.24.1 from lock file", "The build stopped with exit code 1"}
	var out []Line
	for i, t := range text {
		out = append(out, Line{N: i + 1, At: s.ago(18*time.Minute - time.Duration(i)*3*time.Second), Text: t, Marked: i > 2 && i < 6})
	}
	return out
}

func (s sample) fleet() []App {
	run, fail := s.running(), s.failed()
	lastOf := func(n int, msg, who string, old time.Duration) *paas.Deployment {
		d := s.deployment(n, paas.Succeeded, paas.StepDone, msg, who, old, 72*time.Second)
		return &d
	}
	apps := []App{
		s.app("bakehouse-shop", &nextPlan, s.release(41), &run.Deployment),
		s.app("ferro-booking", &paas.Plan{Language: "php", Framework: "Laravel", Runtimes: []paas.Runtime{{Name: "php", Version: "8.2.24"}}}, s.release(57), &fail.Deployment),
		s.app("ferro-site", &paas.Plan{Language: "static", Static: &paas.Static{Dir: "."}}, s.release(24), lastOf(24, "Winter timetable page", "Aiko Tanaka", 144*time.Hour)),
		s.app("kestrel-intake", &paas.Plan{Language: "python", Framework: "Django", Runtimes: []paas.Runtime{{Name: "python", Version: "3.13.1"}}}, s.release(40), lastOf(40, "Check file type on upload", "Mara Lindqvist", 48*time.Hour)),
		s.app("northfield-timetable", &paas.Plan{Language: "go", Runtimes: []paas.Runtime{{Name: "go", Version: "1.26.1"}}}, s.release(18), lastOf(18, "Room changes in bold", "Aiko Tanaka", 190*time.Hour)),
		s.app("osterberg-shop", &paas.Plan{Language: "php", Runtimes: []paas.Runtime{{Name: "php", Version: "8.3.2"}}}, s.release(76), lastOf(76, "Advent offers", "Jonas Weber", 41*time.Minute)),
		s.app("vela-planner", &paas.Plan{Language: "python", Framework: "FastAPI", Runtimes: []paas.Runtime{{Name: "python", Version: "3.13.1"}}}, s.release(45), lastOf(45, "Cache hotel search", "Femi Adeyemi", 7*time.Hour)),
	}
	apps[2].Load = paas.Load{Known: true, Requests: 812, SentBytes: 9 << 20}
	apps[5].Health = Health{Down: true, Since: s.ago(4 * time.Minute), Reason: "it needs more memory than its 512 MB limit and keeps restarting"}
	apps[5].Load.MemoryBytes, apps[5].Load.CPUPercent = 512<<20, 38
	apps[6].Load.MemoryBytes, apps[6].Load.CPUPercent = 455<<20, 71
	return apps
}

func (s sample) versions() []Deploy {
	run := s.running()
	rows := []Deploy{run}
	add := func(d paas.Deployment, live bool) {
		rows = append(rows, Deploy{Deployment: d, Path: DeployPath(d.ID), Before: 41, IsLive: live, Now: s.now})
	}
	add(s.deployment(41, paas.Succeeded, paas.StepDone, "Show delivery day on the basket", "Mara Lindqvist", 17*time.Hour, 72*time.Second), true)
	add(s.deployment(40, paas.Succeeded, paas.StepDone, "Advent calendar landing page", "Aiko Tanaka", 50*time.Hour, 64*time.Second), false)
	add(s.deployment(39, paas.Succeeded, paas.StepDone, "Update card reader library", "Jonas Weber", 97*time.Hour, 67*time.Second), false)
	bad := s.deployment(0, paas.StatusFailed, paas.StepHealth, "Allergen filter", "Aiko Tanaka", 145*time.Hour, 78*time.Second)
	bad.ID, bad.Failure = "dep_bad", &paas.Failure{Kind: paas.Failed, Step: paas.StepHealth, Message: `it answered "500" at /api/health`}
	add(bad, false)
	return rows
}

// pages are what every test renders: name → page. The name's part before a hyphen groups the variants of one page.
func (s sample) pages() map[string]Page {
	fleet := s.fleet()
	shop, booking := fleet[0], fleet[1]
	shop.Missing = nextPlan.Missing[:1]
	run := s.running()
	crumb := []Crumb{{"bakehouse-shop", "/apps/bakehouse-shop"}}
	frame := func(a App, tab string) AppFrame { return AppFrame{App: a, Tab: tab} }
	waiting := s.app("my-first-app", nil, nil, nil)
	found := &Found{Name: "gift-cards", Source: "gift-cards.zip, 2.1 MB", Upload: "upl_1", Plan: nextPlan}
	push := &GitBlock{Commands: "git remote add cloudsania https://git:cst_5f1d0a9e7c3b@203-0-113-24.sslip.io/git/my-first-app.git\ngit push cloudsania HEAD:main", Expires: "in 90 days"}
	code, err := qr.Encode("otpauth://totp/Cloudsania:ada@example.com?issuer=Cloudsania&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	if err != nil {
		panic(err)
	}
	enrol := &Enrolment{Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", QR: code}
	live := s.versions()[1]
	done := s.deployment(42, paas.Succeeded, paas.StepDone, "Faster checkout on slow phones", "Jonas Weber", 90*time.Second, 70*time.Second)
	wild := s.app(long, &paas.Plan{Language: markup, Framework: markup}, s.release(3), nil)
	wild.Name, wild.Project, wild.Health = markup, markup, Health{Down: true, Reason: hostile}
	wildDep := s.failed()
	wildDep.Source.Message, wildDep.Source.Author, wildDep.Source.Branch = hostile, hostile, hostile
	wildDep.Failure = &paas.Failure{Step: paas.StepBuild, Message: hostile, Hint: hostile, Lines: []string{hostile}}
	wild.Latest = &wildDep.Deployment
	p := map[string]Page{
		"claim":         ClaimPage{Bare: Bare{Title: "Claim this server"}, Action: "/claim", Facts: []string{"Debian 13, 2 processors, 4 GB memory, 38 GB free", "Ports 80 and 443 are open on this server"}, MinPass: 15, MinTwo: 8},
		"claim-account": ClaimPage{Bare: Bare{Title: "Create your sign-in"}, Action: "/claim", Code: "K7MQ-R2XD-94VT", MinPass: 15, MinTwo: 8, TOTP: enrol},
		"claim-wrong":   ClaimPage{Bare: Bare{Title: "Create your sign-in"}, Action: "/claim", Code: "K7MQ", MinPass: 15, MinTwo: 8, TOTP: enrol, Form: Form{Values: map[string]string{"name": "Mara", "email": "mara@"}, Errors: []*paas.Error{paas.Invalidf("password", "four words in a row do", "a password has at least 15 characters"), paas.Invalidf("code", "is the clock of your phone right?", "that code is not right")}}},
		"ready":         ReadyPage{Bare: Bare{Title: "Ready"}, Name: "Mara", Address: "https://203-0-113-24.sslip.io", Facts: []string{"HTTPS is on and renews itself", "Apps get addresses below 203-0-113-24.sslip.io"}},
		"login":         LoginPage{Bare: Bare{Title: "Sign in"}, Action: "/login"},
		"login-wrong":   LoginPage{Bare: Bare{Title: "Sign in"}, Action: "/login", Form: Form{Values: map[string]string{"email": "mara@tidewater.example"}, Errors: []*paas.Error{{Kind: paas.Unauthenticated, Msg: "email or password is wrong"}}}},
		"login-code":    LoginPage{Bare: Bare{Title: "Sign in"}, Action: "/login", NeedCode: true, Form: Form{Errors: []*paas.Error{{Kind: paas.Unauthenticated, Field: "code", Msg: "the code of your authenticator app is missing"}}}},
		"recovery":      RecoveryPage{Bare: Bare{Title: "Recovery"}},
		"error":         ErrorPage{Bare: Bare{Title: "Not found"}, Problem: Problem{Icon: "help", Heading: "There is nothing at this address", Text: "The app may have been renamed or deleted.", Label: "Go to your apps", Path: "/"}},
		"missing":       MissingPage{Shell: s.shell("Something went wrong", ""), Problem: Problem{Icon: "warn", Tone: "bad", Heading: "Something went wrong on our side", Text: "Nothing that is live was changed.", Label: "Try again", Path: "/", Request: "req_01"}},

		"fleet":           FleetPage{Shell: withStream(s.shell("Apps", "apps"), "/live"), Apps: fleet, Rows: s.rows(fleet...), Figures: []Figure{{"Deploys this week", "41", "", "40 went live, 1 did not build"}, {"Requests in an hour", "74,252", "", "over 7 apps"}, {"Memory in use", "38%", "", "Room for about 9 more apps of this size"}, {"Sent in an hour", "241", "MB", "to visitors"}}},
		"fleet-calm":      FleetPage{Shell: s.shell("Apps", "apps"), Apps: []App{fleet[3], fleet[4]}, Rows: s.rows(fleet[3], fleet[4])},
		"fleet-empty":     FleetPage{Shell: quiet(s.shell("Apps", "apps"))},
		"fleet-preparing": FleetPage{Shell: preparing(quiet(s.shell("Apps", "apps")))},
		"fleet-wild":      FleetPage{Shell: s.shell(markup, "apps"), Apps: []App{wild}, Rows: s.rows(wild)},

		"new-upload":  NewAppPage{Shell: s.shell("New app", "new", Crumb{"New app", ""}), Tab: "upload", MaxUpload: 2 << 30, Base: "203-0-113-24.sslip.io", Scheme: "https"},
		"new-found":   NewAppPage{Shell: s.shell("New app", "new", Crumb{"New app", ""}), Tab: "upload", MaxUpload: 2 << 30, Base: "203-0-113-24.sslip.io", Scheme: "https", Found: found},
		"new-problem": NewAppPage{Shell: s.shell("New app", "new", Crumb{"New app", ""}), Tab: "upload", MaxUpload: 2 << 30, Base: "203-0-113-24.sslip.io", Scheme: "https", Found: &Found{Name: "stuff", Source: "stuff.zip, 12 KB", Upload: "upl_2", Problem: &paas.Error{Kind: paas.Invalid, Msg: "no recognisable language", Hint: "add package.json, requirements.txt, go.mod, index.html or a Procfile at the top"}}},
		"new-push":    NewAppPage{Shell: s.shell("New app", "new", Crumb{"New app", ""}), Tab: "push", Base: "203-0-113-24.sslip.io", Scheme: "https"},
		"new-url":     NewAppPage{Shell: s.shell("New app", "new", Crumb{"New app", ""}), Tab: "url", Form: Failed(map[string]string{"url": "http://10.0.0.1/x"}, paas.Invalidf("url", "use an https address that everybody can reach", "the address leads into a private network"))},

		"app":         AppPage{Shell: withStream(s.shell("bakehouse-shop", "apps", crumb...), "/apps/bakehouse-shop/live"), AppFrame: frame(shop, "overview"), Deploy: &run, Output: s.output()[:3], Versions: s.versions(), Total: 42, Remote: "https://203-0-113-24.sslip.io/git/bakehouse-shop.git", Branch: "main"},
		"app-failed":  AppPage{Shell: s.shell("ferro-booking", "apps", Crumb{"ferro-booking", "/apps/ferro-booking"}), AppFrame: frame(booking, "overview"), Deploy: ptr(s.failed()), Versions: []Deploy{s.failed(), live}, Total: 2, Remote: "https://x/git/ferro-booking.git", Branch: "main"},
		"app-down":    AppPage{Shell: s.shell("osterberg-shop", "apps", Crumb{"osterberg-shop", "/apps/osterberg-shop"}), AppFrame: frame(fleet[5], "overview"), Versions: []Deploy{live}, Total: 1, Remote: "https://x/git/osterberg-shop.git", Branch: "main"},
		"app-calm":    AppPage{Shell: s.shell("kestrel-intake", "apps", Crumb{"kestrel-intake", "/apps/kestrel-intake"}), AppFrame: frame(fleet[3], "overview"), Versions: []Deploy{live, s.versions()[2]}, Total: 2, Remote: "https://x/git/kestrel-intake.git", Branch: "main"},
		"app-waiting": AppPage{Shell: withStream(s.shell("my-first-app", "apps", Crumb{"my-first-app", "/apps/my-first-app"}), "/apps/my-first-app/live"), AppFrame: frame(waiting, "overview"), Remote: "https://203-0-113-24.sslip.io/git/my-first-app.git", Branch: "main"},
		"app-key":     AppPage{Shell: s.shell("my-first-app", "apps", Crumb{"my-first-app", "/apps/my-first-app"}), AppFrame: frame(waiting, "overview"), Push: push, Remote: "https://203-0-113-24.sslip.io/git/my-first-app.git", Branch: "main"},
		"app-wild":    AppPage{Shell: s.shell(markup, "apps", Crumb{markup, "/apps/x"}), AppFrame: frame(wild, "overview"), Deploy: &wildDep, Output: []Line{{N: 1, Text: hostile, From: markup}}, Versions: []Deploy{wildDep}, Total: 1, Remote: markup, Branch: markup},

		"versions":   AllVersionsPage{Shell: s.shell("Versions of bakehouse-shop", "apps", append(crumb, Crumb{"Versions", ""})...), AppFrame: frame(shop, "overview"), Versions: s.versions()},
		"newversion": NewVersionPage{Shell: s.shell("New version of bakehouse-shop", "apps", append(crumb, Crumb{"New version", ""})...), AppFrame: frame(shop, ""), MaxUpload: 2 << 30, Branch: "main"},

		"deploy":        DeployPage{Shell: withStream(s.shell("v42", "apps", append(crumb, Crumb{"v42", ""})...), "/x"), AppFrame: frame(shop, "overview"), Deploy: run, Lines: s.output()[:3]},
		"deploy-failed": DeployPage{Shell: s.shell("Did not build", "apps", Crumb{"ferro-booking", "/apps/ferro-booking"}, Crumb{"Did not build", ""}), AppFrame: frame(booking, "overview"), Deploy: s.failed(), Lines: s.output()},
		"deploy-done":   DeployPage{Shell: s.shell("v42", "apps", append(crumb, Crumb{"v42", ""})...), AppFrame: frame(shop, "overview"), Deploy: Deploy{Deployment: done, Path: "/deploys/dep_42", Before: 41, IsLive: true, Now: s.now}, Lines: s.output()[:3], Cut: true},
		"deploy-wild":   DeployPage{Shell: s.shell(markup, "apps"), AppFrame: frame(wild, "overview"), Deploy: wildDep, Lines: []Line{{N: 1, Text: hostile + "\x1b[31mred\x1b[0m"}}},

		"logs":         LogsPage{Shell: withStream(s.shell("Logs of bakehouse-shop", "apps", append(crumb, Crumb{"Logs", ""})...), "/x"), AppFrame: frame(shop, "logs"), Lines: s.appLog(), Sources: []string{"web", "jobs"}, Limit: 2000},
		"logs-static":  LogsPage{Shell: s.shell("Logs", "apps"), AppFrame: frame(fleet[2], "logs"), Static: true, Limit: 2000},
		"logs-waiting": LogsPage{Shell: s.shell("Logs", "apps"), AppFrame: frame(waiting, "logs"), Limit: 2000},

		"variables":       VariablesPage{Shell: s.shell("Variables of bakehouse-shop", "apps", append(crumb, Crumb{"Variables", ""})...), AppFrame: frame(shop, "variables"), Variables: []Variable{{Name: "DATABASE_URL", Updated: s.ago(90 * time.Hour)}, {Name: "MAIL_FROM", Updated: s.ago(2000 * time.Hour)}, {Name: "NEXT_PUBLIC_API", Public: true, Updated: s.ago(3 * time.Hour)}, {Name: "SENTRY_TOKEN", Build: true, Updated: s.ago(3 * time.Minute)}}},
		"variables-empty": VariablesPage{Shell: s.shell("Variables", "apps"), AppFrame: frame(waiting, "variables")},
		"variables-wrong": VariablesPage{Shell: s.shell("Variables", "apps"), AppFrame: frame(shop, "variables"), Added: []NewVariable{{Name: "1X", Err: paas.Invalidf("name", "use letters, digits and underscores; the first is not a digit", `"1X" cannot be a variable's name`)}, {Name: markup}}, Variables: []Variable{{Name: long + long, Updated: s.now, Err: paas.Invalidf("value", "at most 64 KiB", "the value is too long")}}, Form: Form{Errors: []*paas.Error{{Kind: paas.Invalid, Msg: "nothing was saved", Hint: "correct the marked rows"}}}},

		"settings":       AppSettingsPage{Shell: s.shell("Settings of bakehouse-shop", "apps", append(crumb, Crumb{"Settings", ""})...), AppFrame: frame(shop, "settings"), Limits: paas.DefaultLimits},
		"settings-url":   AppSettingsPage{Shell: s.shell("Settings", "apps"), AppFrame: frame(fromURL(booking), "settings"), Limits: paas.DefaultLimits, Section: "name", Form: Failed(map[string]string{"name": "Ferro Shop"}, paas.CheckName("Ferro Shop"))},
		"confirm":        ConfirmPage{Shell: s.shell("Roll back", "apps", append(crumb, Crumb{"Roll back", ""})...), Question: "Roll back bakehouse-shop to v40?", Lede: "Takes a second or two. v40 is still on the server, so nothing is built.", Action: "/apps/bakehouse-shop/rollback", Hidden: map[string]string{"to": "40"}, Yes: "Roll back to v40", YesIcon: "undo", No: "Keep v41", NoPath: "/apps/bakehouse-shop", Changes: []Change{{"code", "Code", "goes back 1 version, to “Advent calendar landing page”", false}, {"key", "Variables", "go back too: MAIL_FROM changes, STRIPE_KEY is removed", true}, {"globe", "Visitors", "finish on the version that they started with", false}, {"branch", "The next push", "to main replaces v40 again", false}}},
		"confirm-delete": ConfirmPage{Shell: s.shell("Delete", "apps", append(crumb, Crumb{"Delete", ""})...), Form: Failed(nil, paas.Invalidf("typed", "type it as it is written here", "that is not the name")), Question: "Delete " + long + "?", Lede: "It goes offline at once.", Action: "/x", Yes: "Delete it", YesIcon: "trash", No: "Keep it", NoPath: "/", Danger: true, TypeName: long},

		"keys":       KeysPage{Shell: s.shell("Keys", "keys", Crumb{"Keys", ""}), Form: Form{Values: map[string]string{"days": "90"}}, Choices: []Choice{{"", "Everything that I may do"}, {"app_1", "Only bakehouse-shop"}}, Ends: []Choice{{"90", "In 90 days"}, {"", "Never"}}, Keys: []Key{{ID: "tok_1", Name: "studio-laptop", Scope: "Everything", Created: s.ago(300 * time.Hour), Used: s.ago(2 * time.Minute), Ends: s.now.Add(700 * time.Hour)}, {ID: "tok_2", Name: "git push to bakehouse-shop", Scope: "Only bakehouse-shop: push and deploy", Created: s.ago(3 * time.Hour)}}},
		"keys-empty": KeysPage{Shell: s.shell("Keys", "keys", Crumb{"Keys", ""}), Made: &NewKey{"my laptop", "cst_" + long}},

		"audit":        AuditPage{Shell: s.shell("Audit", "audit", Crumb{"Audit", ""}), Chain: Chain{Checked: s.ago(2 * time.Minute), Entries: 18204, Since: s.ago(6000 * time.Hour)}, Older: "/audit?before=18190", Events: s.events()},
		"audit-broken": AuditPage{Shell: s.shell("Audit", "audit", Crumb{"Audit", ""}), Chain: Chain{Checked: s.now, Entries: 12, Broken: 7, Problem: "its hash is not that of its content"}, Query: markup},

		"account":        AccountPage{Shell: s.shell("Your account", "account", Crumb{"Account", ""}), MinPass: 15, Sessions: []Session{{ID: "1", Agent: "Firefox on Linux", Addr: "192.0.2.61", Created: s.ago(60 * time.Hour), Seen: s.now, Current: true}, {ID: "2", Agent: "Safari on iPhone", Addr: "198.51.100.23", Created: s.ago(200 * time.Hour), Seen: s.ago(5 * time.Hour)}}},
		"account-second": AccountPage{Shell: s.shell("Your account", "account", Crumb{"Account", ""}), MinPass: 15, Enrol: enrol, Section: "second", Form: Failed(nil, paas.Invalidf("code", "is the clock of your phone right?", "that code is not right"))},
		"account-on":     AccountPage{Shell: s.shell("Your account", "account", Crumb{"Account", ""}), MinPass: 15, TOTP: true},
	}
	return p
}

func ptr[T any](v T) *T { return &v }

func withStream(s Shell, path string) Shell { s.Stream = path; return s }

func quiet(s Shell) Shell { s.Needs, s.AppCount = nil, 0; return s }

func preparing(s Shell) Shell {
	s.Builder = BuilderState{Preparing: true, Percent: 42, Message: "unpacking Debian packages"}
	s.Flash = []Flash{{Text: "Your password was changed."}}
	return s
}

func fromURL(a App) App {
	a.Source = paas.CodeAt("https://github.com/ferro/booking")
	a.Repository = paas.AppSource{URL: a.Source.URL, Branch: "main"}
	return a
}

func (s sample) appLog() []Line {
	text := []string{"\x1b[36mGET\x1b[0m / \x1b[32m200\x1b[0m 41 ms", "\x1b[36mGET\x1b[0m /products/sourdough \x1b[32m200\x1b[0m 57 ms", "\x1b[35mPOST\x1b[0m /api/basket \x1b[32m201\x1b[0m 88 ms", "info  delivery slots refreshed count=42 region=north",
		"warn  slow query 812 ms select * from orders where …", "error payment failed: connect ETIMEDOUT 198.51.100.7:443", "    at PaymentClient.charge (lib/payment.ts:84:11)", "\x1b[35mPOST\x1b[0m /api/checkout \x1b[31m502\x1b[0m 10004 ms", "info  order placed id=20418 total=€31.40"}
	var out []Line
	for i, t := range text {
		out = append(out, Line{N: i + 1, At: s.ago(time.Duration(40-i*3) * time.Second), From: []string{"web.1", "web.2", "jobs.1"}[i%3], Text: t, Level: LevelOf(t)})
	}
	return out
}

func (s sample) events() []Event {
	mk := func(seq uint64, old time.Duration, kind paas.ActorKind, name, addr, verb, object, more, tone string) Event {
		return Event{Event: paas.Event{Seq: seq, Time: s.ago(old), Actor: paas.Actor{Kind: kind, ID: "x", Name: name, Addr: addr}}, Verb: verb, Object: object, More: more, Tone: tone}
	}
	return []Event{
		mk(18204, time.Minute, paas.ActorUser, "Jonas Weber", "203.0.113.80", "started a deploy of", "bakehouse-shop", "Pushed c41d9e2 to main", ""),
		mk(18203, 4*time.Minute, paas.ActorSystem, "", "", "brought online", "osterberg-shop v76", "", "ok"),
		mk(18202, 18*time.Minute, paas.ActorSystem, "", "", "could not bring online", "ferro-booking", "It did not build. v57 kept serving", "warn"),
		mk(18201, 30*time.Minute, paas.ActorToken, "studio-laptop", "198.51.100.23", "changed variables of", "kestrel-portal", "STRIPE_KEY, MAIL_FROM", ""),
		mk(18200, 26*time.Hour, paas.ActorRoot, "", "", "ended the key", "old-laptop", "", ""),
	}
}
