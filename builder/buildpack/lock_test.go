package buildpack

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const poetry2 = `
[[package]]
name = "flask"
version = "3.1.0"
groups = ["main"]
files = [{file = "b.whl", hash = "sha256:bb"}, {file = "a.tar.gz", hash = "sha256:aa"}]
[[package]]
name = "colorama"
version = "0.4.6"
groups = ["main", "dev"]
markers = {main = "platform_system == \"Windows\"", dev = "sys_platform == \"win32\""}
files = [{hash = "sha256:cc"}]
[[package]]
name = "pytest"
version = "8.0"
groups = ["dev"]
files = [{hash = "sha256:dd"}]
[[package]]
name = "redis"
version = "5"
optional = true
groups = ["main"]
markers = "extra == \"redis\""
files = []
[[package]]
name = "mine"
version = "1.0"
groups = ["main"]
files = []
[package.source]
type = "git"
url = "https://example.com/mine.git"
reference = "main"
resolved_reference = "abc123"
subdirectory = "py"
[[package]]
name = "lib"
version = "1.0"
groups = ["main"]
files = []
[package.source]
type = "directory"
url = "libs/lib"
[[package]]
name = "private"
version = "2"
groups = ["main"]
files = [{hash = "sha256:ee"}]
[package.source]
type = "legacy"
url = "https://${TOKEN}@private.example/simple"
reference = "mine"
`

const poetryOld = `
[[package]]
name = "flask"
version = "2.3.3"
[[package]]
name = "numpy"
version = "1.26.0"
[[package]]
name = "numpy"
version = "1.24.0"
`

const poetryOldProject = `
[tool.poetry.dependencies]
python = "^3.9"
flask = {version = "^2.3", extras = ["async"], python = ">=3.9,<4.0"}
numpy = [{version = "1.24.0", python = "<3.9"}, {version = "^1.26", markers = "sys_platform == 'linux'"}]
celery = {version = "*", optional = true}
helper = {git = "https://example.com/h.git", tag = "v1"}
[[tool.poetry.source]]
name = "PyPI"
url = "https://index.example/simple"
`

const pdmNew = `
[[package]]
name = "fastapi"
version = "0.115.0"
groups = ["default"]
marker = "python_version >= \"3.9\""
files = [{file = "f", hash = "sha256:11"}]
[[package]]
name = "uvicorn"
version = "0.30.0"
extras = ["standard"]
groups = ["default"]
files = []
[[package]]
name = "uvicorn"
version = "0.30.0"
groups = ["default"]
files = [{hash = "sha256:22"}]
[[package]]
name = "ruff"
version = "0.6"
groups = ["lint"]
files = []
[[package]]
name = "repo"
version = "1"
groups = ["default"]
git = "https://example.com/r.git"
revision = "f00"
[[package]]
name = "local"
version = "1"
groups = ["default"]
path = "./local"
`

const pipfileLockText = `{"_meta":{"sources":[{"name":"pypi","url":"https://index.example/simple"},{"url":"https://other.example/simple"}]},
"default":{"flask":{"version":"==3.1.0","extras":["async"],"markers":"python_version >= '3.9'","hashes":["sha256:bb","sha256:aa"]},
"repo":{"git":"https://example.com/r.git","ref":"f00"}},"develop":{"pytest":{"version":"==8"}}}`

func TestLocks(t *testing.T) {
	for _, tt := range []struct {
		name    string
		convert func() (requirements, error)
		want    requirements
	}{
		{"poetry 2", func() (requirements, error) { return poetryLock([]byte(poetry2), nil) }, requirements{hashed: true,
			pinned: []string{`colorama==0.4.6 ; platform_system == "Windows" --hash=sha256:cc`, "flask==3.1.0 --hash=sha256:aa --hash=sha256:bb", "private==2 --hash=sha256:ee"},
			direct: []string{"./libs/lib", "mine @ git+https://example.com/mine.git@abc123#subdirectory=py"}, indexes: []string{"https://${TOKEN}@private.example/simple"}}},
		{"poetry 1", func() (requirements, error) { return poetryLock([]byte(poetryOld), []byte(poetryOldProject)) }, requirements{
			wanted: []string{`flask[async]>=2.3,<3 ; python_version >= "3.9" and python_version < "4.0"`, "helper @ git+https://example.com/h.git@v1", `numpy==1.24.0 ; python_version < "3.9"`, "numpy>=1.26,<2 ; (sys_platform == 'linux')"},
			limits: []string{"flask==2.3.3"}}},
		{"poetry 1 with a standard project", func() (requirements, error) {
			return poetryLock([]byte(poetryOld), []byte("[project]\ndependencies = ['flask[async] (>=2,<3)']\n"))
		}, requirements{wanted: []string{"flask[async] (>=2,<3)"}, limits: []string{"flask==2.3.3"}}},
		{"empty poetry", func() (requirements, error) { return poetryLock(nil, nil) }, requirements{}},
		{"pdm", func() (requirements, error) { return pdmLock([]byte(pdmNew), nil) }, requirements{hashed: true,
			pinned: []string{`fastapi==0.115.0 ; python_version >= "3.9" --hash=sha256:11`, "uvicorn==0.30.0 --hash=sha256:22"}, direct: []string{"./local", "repo @ git+https://example.com/r.git@f00"}}},
		{"old pdm", func() (requirements, error) {
			return pdmLock([]byte("[[package]]\nname='flask'\nversion='3.0'\n"), []byte("[project]\ndependencies=['flask>=3']\n"))
		}, requirements{wanted: []string{"flask>=3"}, limits: []string{"flask==3.0"}}},
		{"pipfile.lock", func() (requirements, error) { return pipfileLock([]byte(pipfileLockText)) }, requirements{hashed: true,
			pinned: []string{"flask[async]==3.1.0 ; python_version >= '3.9' --hash=sha256:aa --hash=sha256:bb"}, direct: []string{"repo @ git+https://example.com/r.git@f00"}, indexes: []string{"https://other.example/simple"}}},
		{"pipfile", func() (requirements, error) {
			return pipfile([]byte("[packages]\nflask='*'\nredis='~=5.0'\nx={version='>=1,<2', extras=['y']}\nr={git='https://example.com/r.git', ref='f00'}\n"))
		}, requirements{wanted: []string{"flask", "r @ git+https://example.com/r.git@f00", "redis~=5.0", "x[y]>=1,<2"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.convert()
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, got, tt.want)
			}
		})
	}
}

func TestLockErrors(t *testing.T) {
	const entry = "[[package]]\nname = %N\nversion = %V\ngroups = ['main']\nmarkers = %M\nfiles = [{hash = %H}]\n"
	for _, tt := range []struct{ name, n, v, m, h string }{
		{"option as a name", "'--index-url=x'", "'1'", "''", "'sha256:aa'"},
		{"line in the version", "'a'", `"1\n-r /etc/passwd"`, "''", "'sha256:aa'"},
		{"line in the marker", "'a'", "'1'", `"x\n--index-url y"`, "'sha256:aa'"},
		{"option as a hash", "'a'", "'1'", "''", "'x --index-url=y'"},
		{"no version", "'a'", "''", "''", "'sha256:aa'"},
	} {
		text := strings.NewReplacer("%N", tt.n, "%V", tt.v, "%M", tt.m, "%H", tt.h).Replace(entry)
		if r, err := poetryLock([]byte(text), nil); err == nil {
			t.Errorf("%s: accepted as %q", tt.name, r.pinned)
		}
	}
	if _, err := pipfileLock([]byte("{}")); err == nil {
		t.Error("a Pipfile.lock without packages was accepted")
	}
}

func TestPoetryRanges(t *testing.T) {
	for spec, want := range map[string]string{"^1.2.3": ">=1.2.3,<2", "^0.2.3": ">=0.2.3,<0.3", "^0.0.3": ">=0.0.3,<0.0.4", "^0": ">=0,<1", "^1": ">=1,<2", "~1.2.3": ">=1.2.3,<1.3", "~1": ">=1,<2",
		"1.2.*": "==1.2.*", "1.2": "==1.2", "*": "", "": "", ">=1,<2": ">=1,<2", "!=1.5,>1": "!=1.5,>1", "==2.0": "==2.0", "~=2.1": "~=2.1", "^2.0.0rc1": ">=2.0.0rc1,<3"} {
		if got, err := pep440(spec); got != want || err != nil {
			t.Errorf("%q: %q, want %q (%v)", spec, got, want, err)
		}
	}
	for _, spec := range []string{"^1 || ^2", "latest", "1;2", ">=1\n<2"} {
		if got, err := pep440(spec); err == nil {
			t.Errorf("%q was accepted as %q", spec, got)
		}
	}
}

func TestUTF8Text(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		changed  bool
	}{
		{"flask\n", "flask\n", false}, {"\xff\xfef\x00l\x00\xe4\x00", "flä", true}, {"\xfe\xff\x00f\x00l", "fl", true}, {"\xef\xbb\xbfx", "x", true}, {"\xff\xfea", "", true}, {"", "", false},
	} {
		if got, changed := utf8Text([]byte(tt.in)); string(got) != tt.want || changed != tt.changed {
			t.Errorf("%q: %q %v", tt.in, got, changed)
		}
	}
}

// safeLine is what may reach a requirements file from a lock file: one requirement with its hashes, or a local path;
// never an option.
var safeLine = regexp.MustCompile(`^[A-Za-z0-9./]`)

// Whatever a lock file holds, each requirement stays on its line and none becomes an option of the installer.
func FuzzLocks(f *testing.F) {
	for _, s := range []string{poetry2, poetryOld, poetryOldProject, pdmNew, pipfileLockText, "[packages]\nflask='*'\n", "[[package]]\nname='a'\nversion='1'\ngroups=['main']\nsource={type='git',url='x\\ny'}\n"} {
		f.Add([]byte(s), []byte(poetryOldProject))
	}
	f.Fuzz(func(t *testing.T, lock, project []byte) {
		for name, convert := range map[string]func() (requirements, error){
			"poetry": func() (requirements, error) { return poetryLock(lock, project) }, "pdm": func() (requirements, error) { return pdmLock(lock, project) },
			"pipenv": func() (requirements, error) { return pipfileLock(lock) }, "pipfile": func() (requirements, error) { return pipfile(lock) },
		} {
			r, err := convert()
			if err != nil {
				continue
			}
			for _, l := range [][]string{r.pinned, r.direct, r.limits, r.wanted} {
				for _, line := range l {
					if !oneLine(line) || !safeLine.MatchString(line) {
						t.Errorf("%s: %q", name, line)
					}
				}
			}
		}
	})
}
