package detect

import (
	"reflect"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestDetectPython(t *testing.T) {
	const (
		fastapi = "from fastapi import FastAPI\napp = FastAPI()\n"
		flask   = "from flask import Flask\napp = Flask(__name__)\n"
		manage  = "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
		unicorn = "gunicorn --bind 0.0.0.0:$PORT --workers ${WEB_CONCURRENCY:-1} --threads 8 --access-logfile - "
	)
	checkRows(t, []row{
		{"fastapi with uv.lock", tree("pyproject.toml", "[project]\nname='x'\nrequires-python='>=3.11'\ndependencies=['fastapi','uvicorn[standard]']\n", "uv.lock", "", "main.py", fastapi),
			want{language: "python", framework: "FastAPI", manager: "uv", file: "uv.lock", install: "uv sync --locked --no-dev", start: "uvicorn main:app --host 0.0.0.0 --port $PORT", runtimes: "python ~3.13, uv", noWarning: true}},
		{"fastapi in a package", tree("requirements.txt", "fastapi==0.115\nuvicorn==0.34\n", "app/__init__.py", "", "app/main.py", fastapi, "main.py", "import uvicorn\nfrom app.main import app\n"), want{start: "uvicorn app.main:app --host 0.0.0.0 --port $PORT"}},
		{"fastapi in src", tree("requirements.txt", "fastapi\n", "src/api/main.py", "import fastapi\nservice: fastapi.FastAPI = fastapi.FastAPI(title='x')\n"), want{start: "uvicorn --app-dir src api.main:service --host 0.0.0.0 --port $PORT"}},
		{"fastapi beside its modules", tree("requirements.txt", "fastapi\n", "backend/main.py", "from routes import r\n"+fastapi, "backend/routes.py", ""), want{start: "uvicorn --app-dir backend main:app --host 0.0.0.0 --port $PORT"}},
		{"fastapi by a factory", tree("requirements.txt", "fastapi\n", "app.py", "from fastapi import FastAPI\ndef create_app(debug=False):\n    return FastAPI()\n"), want{start: "uvicorn --factory app:create_app --host 0.0.0.0 --port $PORT"}},
		{"flask without gunicorn", tree("requirements.txt", "Flask==3.1.0\n", "app.py", flask), want{framework: "Flask", manager: "pip", install: "uv pip install -r requirements.txt", start: unicorn + "app:app", noWarning: true}},
		{"flask factory", tree("requirements.txt", "flask\ngunicorn\n", "site/__init__.py", "from flask import Flask\ndef create_app():\n  return Flask('x')\n"), want{start: unicorn + "site:'create_app()'"}},
		{"flask factory called in wsgi.py", tree("requirements.txt", "flask\n", "site/__init__.py", "from flask import Flask\ndef create_app():\n  return Flask('x')\n", "wsgi.py", "from site import create_app\napplication = create_app()\n"), want{start: unicorn + "wsgi:application"}},
		{"factory with a needed argument", tree("requirements.txt", "flask\n", "app.py", "from flask import Flask\ndef create_app(config):\n  return Flask('x')\n"), want{start: "python app.py"}},
		{"gunicorn's own settings", tree("requirements.txt", "flask\ngunicorn\n", "app.py", flask, "gunicorn.conf.py", "workers=3"), want{start: "gunicorn --bind 0.0.0.0:$PORT app:app"}},
		{"utf-16 requirements", tree("requirements.txt", "\xff\xfef\x00l\x00a\x00s\x00k\x00=\x00=\x003\x00\n\x00", "app.py", flask), want{framework: "Flask", start: unicorn + "app:app"}},
		{"included requirements", tree("requirements.txt", "-r requirements/base.txt\n", "requirements/base.txt", "flask>=3 ; python_version>'3'\n", "app.py", flask), want{framework: "Flask"}},
		{"requirements that include themselves", tree("requirements.txt", "-r requirements.txt\nflask\n", "app.py", flask), want{framework: "Flask"}},
		{"loose versions", tree("requirements.txt", "flask\nredis==5\n", "app.py", flask), want{warning: "1 of the packages"}},
		{"production requirements", tree("requirements/production.txt", "flask==3\n", "app.py", flask), want{file: "requirements/production.txt"}},

		{"django", tree("manage.py", manage, "shop/settings.py", "ALLOWED_HOSTS = []\nDEBUG = True\nWSGI_APPLICATION = 'shop.wsgi.application'\nSTATIC_ROOT = BASE_DIR / 'static'\n", "shop/wsgi.py", "", "requirements.txt", "Django==5.2\n"),
			want{framework: "Django", start: unicorn + "shop.wsgi:application", build: "python manage.py collectstatic --noinput", warning: "ALLOWED_HOSTS in shop/settings.py is empty"}},
		{"django below", tree("src/manage.py", manage, "src/shop/settings/__init__.py", "from .base import *\n", "src/shop/settings/base.py", "ALLOWED_HOSTS = ['*']\n", "src/shop/wsgi.py", "", "requirements.txt", "django==5\ngunicorn==23\n"),
			want{start: unicorn + "--chdir src shop.wsgi", build: "-", noWarning: true}},
		{"django channels", tree("manage.py", manage, "shop/settings.py", "", "shop/asgi.py", "", "requirements.txt", "django==5\nchannels==4\n"), want{start: "uvicorn shop.asgi:application --host 0.0.0.0 --port $PORT"}},
		{"django with hosts", tree("manage.py", manage, "shop/settings.py", "ALLOWED_HOSTS = ['shop.example']\n", "requirements.txt", "django==5\n"), want{warning: "lists hosts"}},
		{"django and a procfile", tree("manage.py", manage, "shop/settings.py", "STATIC_ROOT='x'\n", "requirements.txt", "django==5\n", "Procfile", "web: gunicorn shop.wsgi\nrelease: python manage.py migrate\n"),
			want{framework: "Django", start: "gunicorn shop.wsgi", release: "python manage.py migrate", build: "python manage.py collectstatic --noinput"}},

		{"streamlit", tree("requirements.txt", "streamlit==1\n", "helpers.py", "", "streamlit_app.py", "import streamlit as st\n"), want{framework: "Streamlit", start: "streamlit run streamlit_app.py --server.port $PORT --server.address 0.0.0.0 --server.headless true --browser.gatherUsageStats false"}},
		{"gradio", tree("requirements.txt", "gradio==5\n", "app.py", "import gradio as gr\n"), want{framework: "Gradio", start: "GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=$PORT python app.py"}},
		{"dash", tree("requirements.txt", "dash==3\n", "app.py", "from dash import Dash\napp = Dash()\nserver = app.server\n"), want{framework: "Dash", start: unicorn + "app:server"}},
		{"starlette", tree("requirements.txt", "starlette\n", "server.py", "from starlette.applications import Starlette\nasgi = Starlette()\n"), want{start: "uvicorn server:asgi --host 0.0.0.0 --port $PORT"}},
		{"plain script", tree("main.py", "print()"), want{start: "python main.py", install: "-", manager: "pip", noWarning: true}},
		{"aiohttp script", tree("requirements.txt", "aiohttp==3\n", "server.py", ""), want{framework: "aiohttp", start: "python server.py"}},
		{"only script", tree("requirements.txt", "requests==2\n", "crawl.py", ""), want{start: "python crawl.py"}},

		{"poetry", tree("pyproject.toml", "[tool.poetry.dependencies]\npython='^3.11'\nflask={version='3', extras=['async']}\n", "poetry.lock", "", "app.py", flask), want{manager: "poetry", file: "poetry.lock", runtimes: "python ~3.13, uv", start: unicorn + "app:app", noWarning: true}},
		{"poetry without lock", tree("pyproject.toml", "[tool.poetry.dependencies]\npython='>=3.9,<3.12'\nflask='3'\n", "app.py", flask), want{manager: "poetry", file: "pyproject.toml", runtimes: "python >=3.9.0, <3.12.0, uv", warning: `run "poetry lock"`}},
		{"pdm", tree("pyproject.toml", "[project]\nname='x'\ndependencies=['flask']\n", "pdm.lock", "", "app.py", flask), want{manager: "pdm", file: "pdm.lock"}},
		{"pipenv", tree("Pipfile", "[packages]\nflask='*'\n[requires]\npython_version='3.11'\n", "Pipfile.lock", "{}", "app.py", flask), want{manager: "pipenv", file: "Pipfile.lock", runtimes: "python ~3.11, uv"}},
		{"uv's version", tree("pyproject.toml", "[project]\nname='x'\n[tool.uv]\nrequired-version='>=0.8,<0.14'\n", "uv.lock", "", "app.py", flask), want{runtimes: "python ~3.13, uv >=0.8.0, <0.14.0"}},
		{"uv's version is no version", tree("pyproject.toml", "[tool.uv]\nrequired-version='new'\n", "requirements.txt", "flask==3", "app.py", flask), want{runtimes: "python ~3.13, uv", warning: `asks for uv "new"`}},
		{"pyproject without lock", tree("pyproject.toml", "[project]\nname='x'\ndependencies=['flask>=3']\n", "app.py", flask), want{manager: "uv", file: "pyproject.toml", warning: `run "uv lock"`}},
		{"pyproject for tools beside requirements", tree("pyproject.toml", "[tool.black]\nline-length=99\n", "requirements.txt", "flask==3\n", "app.py", flask), want{manager: "pip", file: "requirements.txt"}},

		{"python-version", tree("main.py", "", ".python-version", "3.12.4\n"), want{runtimes: "python ~3.12, uv"}},
		{"runtime.txt", tree("main.py", "", "runtime.txt", "python-3.11.9"), want{runtimes: "python ~3.11, uv"}},
		{"other python", tree("main.py", "", ".python-version", "pypy3.10"), want{runtimes: "python ~3.13, uv", warning: "pypy3.10"}},
		{"python range above", tree("main.py", "", "pyproject.toml", "[project]\nname='x'\nrequires-python='>=3.14'\n"), want{runtimes: "python >=3.14.0, uv"}},
	})
}

func TestAddedServers(t *testing.T) {
	for _, tt := range []struct {
		name, requirements, code string
		want                     []string
	}{
		{"flask", "flask", "from flask import Flask\nx = Flask('x')\n", []string{gunicornRequirement}},
		{"flask with gunicorn", "flask\nGunicorn>=20", "from flask import Flask\nx = Flask('x')\n", nil},
		{"fastapi", "fastapi", "from fastapi import FastAPI\nx = FastAPI()\n", []string{uvicornRequirement}},
		{"fastapi[standard]", "fastapi[standard]", "from fastapi import FastAPI\nx = FastAPI()\n", nil},
		{"uvicorn[standard]", "fastapi\nuvicorn[standard]", "from fastapi import FastAPI\nx = FastAPI()\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := Detect(tree("requirements.txt", tt.requirements, "app.py", tt.code), paas.BuildSettings{})
			if err != nil || !reflect.DeepEqual(plan.Adds, tt.want) {
				t.Errorf("adds %q, want %q (%v)", plan.Adds, tt.want, err)
			}
		})
	}
}

func TestSemverOfPEP440(t *testing.T) {
	for _, tt := range []struct {
		spec, want string
		ok         bool
	}{
		{">=3.9", ">=3.9.0", true}, {">=3.9,<3.13", ">=3.9.0, <3.13.0", true}, {"~=3.11", "^3.11", true}, {"~=3.11.2", "~3.11.2", true}, {"==3.12.*", "3.12.x", true},
		{"!=3.9.*,>=3.8", "!=3.9.x, >=3.8.0", true}, {"^3.10", "^3.10", true}, {"3.12", "3.12", true}, {"==3.12.4", "=3.12.4", true}, {"*", "*", true}, {"", "*", true},
		{"^3.8 || ^3.10", "^3.8 || ^3.10", true}, {">=3.9; drop", "", false}, {"newest", "", false}, {",", "", false}, {"==*", "", false},
	} {
		if got, ok := semverOfPEP440(tt.spec); got != tt.want || ok != tt.ok {
			t.Errorf("%q: %q %v, want %q %v", tt.spec, got, ok, tt.want, tt.ok)
		}
	}
}
