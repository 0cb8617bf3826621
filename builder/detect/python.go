package detect

import (
	"path"
	"strings"

	"github.com/cloudsania/cloudsania/paas"
)

// pythonScripts are started as they are when no web framework is found.
var pythonScripts = []string{
	"main.py", "app.py", "server.py", "run.py", "bot.py", "wsgi.py", "index.py", "__main__.py", "src/main.py",
	"src/app.py", "app/main.py",
}

var requirementFiles = []string{
	"requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt",
	"requirements/requirements.txt",
}

var pythonLanguage = language{
	name:    paas.LanguagePython,
	present: (*detection).isPython,
	chosen:  func(d *detection) bool { return d.pkg == nil || !d.servesWithNode(d.pkg) },
	plan:    (*detection).python,
}

func (d *detection) isPython() bool {
	return d.first(requirementFiles...) != "" || d.first("pyproject.toml", "Pipfile", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "setup.py", "manage.py") != "" || d.first(pythonScripts...) != ""
}

func (d *detection) python() error {
	p := &d.plan
	p.Language = paas.LanguagePython
	project, err := d.readPyproject()
	if err != nil {
		return err
	}
	pipfile, err := d.readPipfile()
	if err != nil {
		return err
	}
	d.pythonManager(project)
	d.pythonVersion(project, pipfile)
	d.uvVersion(project)
	deps := d.pythonDependencies(project, pipfile)
	d.pythonNames = deps
	if d.startsItself() {
		d.django(deps)
		d.nameFramework(deps)
		return nil
	}
	return d.pythonStart(deps)
}

// pythonManager chooses what the dependencies are installed from: the lock file, whose tool also names the project's
// manager.
func (d *detection) pythonManager(project *pyproject) {
	p := &d.plan
	choose := func(manager, file, install, fact string) {
		p.PackageManager, p.DependencyFile, p.Install = manager, d.at(file), install
		d.fact(file, "%s", fact)
	}
	requirements := d.first(requirementFiles...)
	switch {
	case d.file("uv.lock") && project != nil:
		choose(paas.ManagerUV, "uv.lock", "uv sync --locked --no-dev", "uv, versions pinned by uv.lock")
	case d.file("poetry.lock") && project != nil:
		choose(paas.ManagerPoetry, "poetry.lock", "uv pip install (from poetry.lock)", "Poetry, versions pinned by poetry.lock")
	case d.file("pdm.lock") && project != nil:
		choose(paas.ManagerPDM, "pdm.lock", "uv pip install (from pdm.lock)", "PDM, versions pinned by pdm.lock")
	case d.file("Pipfile.lock"):
		choose(paas.ManagerPipenv, "Pipfile.lock", "uv pip install (from Pipfile.lock)", "Pipenv, versions pinned by Pipfile.lock")
	case d.file("pylock.toml"):
		choose(paas.ManagerPip, "pylock.toml", "uv pip install -r pylock.toml", "versions pinned by pylock.toml")
	case requirements != "":
		choose(paas.ManagerPip, requirements, "uv pip install -r "+requirements, "dependencies from "+requirements)
		if loose := looseRequirements(d.text(requirements)); loose > 0 {
			d.warn("%d of the packages in %s have no exact version: today's newest are installed; \"pip freeze\" or uv pins them", loose, requirements)
		}
	case project != nil && project.declares():
		choose(paas.ManagerUV, "pyproject.toml", "uv pip install -r pyproject.toml", "dependencies from pyproject.toml")
		if project.Tool.Poetry != nil {
			p.PackageManager, p.Install = paas.ManagerPoetry, "uv pip install (from pyproject.toml)"
		}
		d.warn("there is no lock file: today's newest versions are installed; run \"%s lock\" and commit its lock file", p.PackageManager)
	case d.file("Pipfile"):
		choose(paas.ManagerPipenv, "Pipfile", "uv pip install (from Pipfile)", "dependencies from the Pipfile")
		d.warn("there is no Pipfile.lock: today's newest versions are installed; run \"pipenv lock\" and commit it")
	case d.file("setup.py"):
		choose(paas.ManagerPip, "setup.py", "uv pip install .", "dependencies from setup.py")
	default:
		p.PackageManager = paas.ManagerPip
		d.fact(d.first(pythonScripts...), "Python, without dependencies")
	}
}

// uvVersion follows required-version: uv refuses a project that asks for another version than its own.
func (d *detection) uvVersion(project *pyproject) {
	if project == nil || project.Tool.UV.RequiredVersion == "" {
		d.runtime(paas.ManagerUV, "", "")
		return
	}
	asked := project.Tool.UV.RequiredVersion
	constraint, ok := semverOfPEP440(asked)
	if !ok {
		d.warn("pyproject.toml asks for uv %q, which is not understood: the newest is used", asked)
		d.runtime(paas.ManagerUV, "", "")
		return
	}
	d.runtime(paas.ManagerUV, constraint, "pyproject.toml")
	d.fact("pyproject.toml", "uv %s", asked)
}

// looseRequirements counts the packages without an exact version.
func looseRequirements(text string) (n int) {
	for _, r := range requirementLines(text) {
		if requirementName(r) != "" && !strings.Contains(r, "==") && !strings.Contains(r, "@") {
			n++
		}
	}
	return n
}

// pythonStart finds the web framework, its app object and the server that runs it; else a script to start.
func (d *detection) pythonStart(deps dependencies) error {
	if d.django(deps) || d.scriptServer(deps) || d.webApp(deps) {
		return nil
	}
	d.nameFramework(deps)
	if script := d.first(pythonScripts...); script != "" {
		d.start(script, "python "+script)
		return nil
	}
	if names := d.find(2, func(n string) bool { return strings.HasSuffix(n, ".py") && n != "setup.py" && n != "conftest.py" }); len(names) == 1 && plainFile.MatchString(names[0]) {
		d.start(names[0], "python "+names[0])
		return nil
	}
	return &paas.Error{Kind: paas.Invalid, Msg: "this is a Python project, but nothing says what to start",
		Hint: "name the file main.py or app.py, or add a Procfile with a line such as \"web: gunicorn project.wsgi\""}
}

// dotted turns app/main.py into app.main.
func dotted(file string) string {
	name := strings.TrimSuffix(file, ".py")
	if path.Base(name) == "__init__" {
		name = path.Dir(name)
	}
	return strings.ReplaceAll(name, "/", ".")
}
