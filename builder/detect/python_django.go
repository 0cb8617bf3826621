package detect

import (
	"path"
	"regexp"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

var (
	djangoSettings = regexp.MustCompile(`DJANGO_SETTINGS_MODULE['"]\s*,\s*['"]([\w.]+)['"]`)
	djangoWSGI     = regexp.MustCompile(`(?m)^WSGI_APPLICATION\s*=\s*['"]([\w.]+)\.(\w+)['"]`)
	djangoStatic   = regexp.MustCompile(`(?m)^\s*STATIC_ROOT\s*[:=]`)
	djangoHosts    = regexp.MustCompile(`(?ms)^ALLOWED_HOSTS\s*(?::[^=\n]+)?=\s*[\[(](.*?)[\])]`)
	djangoDebug    = regexp.MustCompile(`(?m)^DEBUG\s*=\s*True\b`)
)

// django recognises a Django project by its manage.py, at the root or one directory below.
func (d *detection) django(deps dependencies) bool {
	manage := d.first("manage.py")
	if manage == "" {
		if found := d.find(1, func(n string) bool { return n == "manage.py" }); len(found) == 1 && strings.Count(found[0], "/") == 1 {
			manage = found[0]
		}
	}
	if manage == "" || !plainFile.MatchString(manage) {
		return false
	}
	m := djangoSettings.FindStringSubmatch(d.text(manage))
	if m == nil {
		return false
	}
	dir := path.Dir(manage)
	d.isFramework(paas.FrameworkDjango)
	d.fact(manage, "settings: %s", m[1])
	settings, file := d.djangoSettings(dir, m[1])
	d.djangoWarnings(settings, file, deps)
	if djangoStatic.MatchString(settings) {
		d.plan.BuildCommand = "python " + manage + " collectstatic --noinput"
		d.fact(file, "build: %s (STATIC_ROOT is set)", d.plan.BuildCommand)
	}
	if !d.startsItself() {
		d.djangoStart(deps, dir, m[1], settings)
	}
	return true
}

// djangoSettings reads the settings module; of a package, also the parts that its usual layout splits off.
func (d *detection) djangoSettings(dir, module string) (text, file string) {
	read := func(file string) string {
		if d.file(file) {
			d.plan.SettingsFiles = append(d.plan.SettingsFiles, d.at(file))
		}
		return d.text(file)
	}
	base := path.Join(dir, strings.ReplaceAll(module, ".", "/"))
	if d.file(base + ".py") {
		text, file = read(base+".py"), base+".py"
		if strings.Contains(text, "from .base import") {
			text += "\n" + read(path.Join(path.Dir(base), "base.py"))
		}
		return text, file
	}
	for _, part := range []string{"__init__.py", "base.py", "common.py", "production.py", "prod.py"} {
		text += read(path.Join(base, part)) + "\n"
	}
	return text, path.Join(base, "__init__.py")
}

func (d *detection) djangoStart(deps dependencies, dir, module, settings string) {
	pkg, _, _ := strings.Cut(module, ".")
	asgi := path.Join(dir, pkg, "asgi.py")
	if deps.first("channels", "daphne") != "" && d.file(asgi) {
		d.add(deps, "uvicorn", uvicornRequirement)
		options := ""
		if dir != "." {
			options = "--app-dir " + dir + " "
		}
		d.start(asgi, strings.Replace(uvicornCommand, "%s", options+pkg+".asgi:application", 1))
		return
	}
	target, file := pkg+".wsgi", path.Join(dir, pkg, "wsgi.py")
	if m := djangoWSGI.FindStringSubmatch(settings); m != nil {
		target, file = m[1]+":"+m[2], path.Join(dir, strings.ReplaceAll(m[1], ".", "/")+".py")
	}
	if !d.file(file) {
		file = path.Join(dir, "manage.py")
	}
	if dir != "." {
		target = "--chdir " + dir + " " + target
	}
	d.start(file, d.gunicorn(deps, target))
}

func (d *detection) djangoWarnings(settings, file string, deps dependencies) {
	if m := djangoHosts.FindStringSubmatch(settings); m != nil {
		switch hosts := strings.TrimSpace(m[1]); {
		case hosts == "":
			d.warn("ALLOWED_HOSTS in %s is empty: Django answers 400 on every host but localhost; set ALLOWED_HOSTS = [\"*\"], or your domains", file)
		case !strings.Contains(hosts, `"*"`) && !strings.Contains(hosts, "'*'"):
			d.warn("ALLOWED_HOSTS in %s lists hosts: add the app's own, else Django answers 400", file)
		}
	}
	if djangoDebug.MatchString(settings) {
		d.warn("DEBUG is True in %s: error pages show the settings to visitors", file)
	} else if djangoStatic.MatchString(settings) && deps.first("whitenoise", "django-storages") == "" {
		d.warn("nothing serves the static files when DEBUG is off: add whitenoise to the dependencies and to MIDDLEWARE")
	}
}
