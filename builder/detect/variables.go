package detect

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// exampleFiles show the variables that an app reads, by convention with made-up values.
var exampleFiles = []string{
	".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", ".env.production.example",
}

// setByUs are variables that we give a value, whatever an example file says.
var setByUs = map[string]bool{"PORT": true, "NODE_ENV": true, "HOST": true, "PATH": true, "HOME": true}

// variables lists what app.json and the example file ask for. app.json says more about each, so it comes first.
func (d *detection) variables() {
	d.appJSON()
	for _, name := range exampleFiles {
		if d.file(name) {
			d.exampleFile(name)
			return
		}
	}
}

// appJSON reads Heroku's and Dokku's manifest. Other tools use the name too (Expo), so what does not fit is passed
// over.
func (d *detection) appJSON() {
	b, err := d.read("app.json", maxConfigBytes)
	if err != nil {
		return
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(b, &m) != nil {
		d.warn("app.json is not valid JSON and is not used")
		return
	}
	var env map[string]json.RawMessage
	_ = json.Unmarshal(m["env"], &env)
	for _, name := range keysOf(env) {
		d.needFromAppJSON(name, env[name])
	}
	d.appScripts(texts(m["scripts"]), m["scripts"])
	var health struct {
		Web []struct{ Path string }
	}
	_ = json.Unmarshal(m["healthchecks"], &health)
	for _, h := range health.Web {
		if strings.HasPrefix(h.Path, "/") && d.plan.HealthPath == "" && len(h.Path) < 200 {
			d.plan.HealthPath = h.Path
			d.fact("app.json", "health check: %s", h.Path)
		}
	}
}

func (d *detection) needFromAppJSON(name string, raw json.RawMessage) {
	var v struct {
		Description, Value, Generator string
		Required                      *bool
	}
	if json.Unmarshal(raw, &v) != nil {
		v.Description, v.Value, v.Generator, v.Required = "", "", "", nil
		_ = json.Unmarshal(raw, &v.Value) // the short form: "NAME": "value"
	}
	if paas.CheckVariable(name) != nil || setByUs[name] {
		return
	}
	required := v.Required == nil || *v.Required
	d.need(paas.Needed{
		Name:        name,
		Description: paas.Clip(v.Description, maxFactLength),
		Default:     v.Value,
		Required:    required && v.Value == "",
		Generate:    v.Generator == "secret",
		File:        d.at("app.json"),
	})
}

// appScripts: Dokku's predeploy is a release command; Heroku's postdeploy runs once after the first deploy, which we
// do not do.
func (d *detection) appScripts(scripts map[string]string, raw json.RawMessage) {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(raw, &m)
	if command := texts(m["dokku"])["predeploy"]; command != "" && len(command) <= maxCommandLength && d.plan.Release == "" {
		d.plan.Release = command
		d.fact("app.json", "before traffic: %s", command)
	}
	if command := scripts["postdeploy"]; command != "" {
		d.warn("app.json's postdeploy (%s) is not run: run it yourself once, or make it the Procfile's release line", command)
	}
}

var exampleLine = regexp.MustCompile(`^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$`)

// exampleFile lists the variables of a .env.example. The comment above a line describes it; one without a value is
// required.
func (d *detection) exampleFile(name string) {
	comment := ""
	for _, line := range strings.Split(d.text(name), "\n") {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "#"); ok {
			comment = strings.TrimSpace(text)
			continue
		}
		m := exampleLine.FindStringSubmatch(line)
		if m != nil && paas.CheckVariable(m[1]) == nil && !setByUs[m[1]] {
			value := strings.Trim(strings.TrimSpace(m[2]), `"'`)
			d.need(paas.Needed{
				Name:        m[1],
				Description: paas.Clip(comment, maxFactLength),
				Required:    value == "" || strings.HasPrefix(value, "#"),
				File:        d.at(name),
			})
		}
		comment = ""
	}
}

func keysOf(m map[string]json.RawMessage) []string {
	names := make(map[string]string, len(m))
	for k := range m {
		names[k] = ""
	}
	return keys(names)
}
