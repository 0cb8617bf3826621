package detect

import (
	"strings"
	"testing"

	"github.com/cloudsania/cloudsania/paas"
)

func TestDetectNode(t *testing.T) {
	const lock = `{"lockfileVersion":3}`
	checkRows(t, []row{
		{"express with lockfile", tree("package.json", `{"scripts":{"start":"node server.js"},"dependencies":{"express":"^4"},"engines":{"node":">=18"}}`, "package-lock.json", lock, "server.js", ""),
			want{language: "node", framework: "Express", manager: "npm", file: "package-lock.json", install: "npm ci", start: "node server.js", build: "-", runtimes: "node ^24, npm ^11", processes: "web", noWarning: true}},
		{"no dependencies", tree("package.json", `{"main":"index.js"}`, "index.js", ""), want{start: "node index.js", install: "-", file: "-", runtimes: "node ^24", noWarning: true}},
		{"no lockfile", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"koa":"2"}}`), want{framework: "Koa", install: "npm install", file: "package.json", warning: "no lock file"}},
		{"byte order mark", tree("package.json", "\xef\xbb\xbf{\"main\":\"a.js\"}", "a.js", ""), want{start: "node a.js"}},
		{"main without its ending", tree("package.json", `{"main":"./lib/a"}`, "lib/a.js", ""), want{start: "node lib/a.js"}},
		{"main that does not exist", tree("package.json", `{"main":"dist/x.js"}`, "server.js", ""), want{start: "node server.js"}},
		{"main that leads out", tree("package.json", `{"main":"../../etc/x.js"}`, "app.js", ""), want{start: "node app.js"}},
		{"typescript entry", tree("package.json", `{}`, "src/index.ts", ""), want{start: "node src/index.ts"}},
		{"members of odd types", tree("package.json", `{"main":1,"scripts":{"start":["x"],"build":null},"engines":["node"],"dependencies":[],"workspaces":null}`, "app.js", ""), want{start: "node app.js", build: "-"}},

		{"pnpm", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"fastify":"5"}}`, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
			want{framework: "Fastify", manager: "pnpm", install: "pnpm install --frozen-lockfile", file: "pnpm-lock.yaml", runtimes: "node ^24, npm ^11, pnpm ^9"}},
		{"pnpm 8's lock", tree("package.json", `{"scripts":{"start":"node x"}}`, "pnpm-lock.yaml", "lockfileVersion: '6.0'\n"), want{runtimes: "node ^24, npm ^11, pnpm ^8"}},
		{"pnpm 10's settings", tree("package.json", `{"scripts":{"start":"node x"}}`, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm-workspace.yaml", "onlyBuiltDependencies:\n  - sharp\n"), want{runtimes: "node ^24, npm ^11, pnpm ^10"}},
		{"packageManager", tree("package.json", `{"scripts":{"start":"node x"},"packageManager":"pnpm@9.1.0+sha512.abc"}`, "pnpm-lock.yaml", ""), want{runtimes: "node ^24, npm ^11, pnpm 9.1.0"}},
		{"yarn 1", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"a":"1"}}`, "yarn.lock", "# yarn lockfile v1\n"), want{manager: "yarn", install: "yarn install --frozen-lockfile", runtimes: "node ^24, npm ^11, yarn ^1.22"}},
		{"yarn 4", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"a":"1"}}`, "yarn.lock", "__metadata:\n  version: 8\n"), want{manager: "yarn", install: "yarn install --immutable", runtimes: "node ^24, npm ^11, yarn ^4"}},
		{"several locks", tree("package.json", `{"scripts":{"start":"node x"},"packageManager":"npm@10.9.0"}`, "yarn.lock", "", "package-lock.json", lock), want{manager: "npm", file: "package-lock.json", runtimes: "node ^24, npm 10.9.0", warning: "several lock files"}},
		{"bun", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"a":"1"}}`, "bun.lock", ""), want{manager: "npm", install: "npm install", warning: "bun's lock file"}},

		{"nvmrc", tree("package.json", `{"main":"a.js","scripts":{"build":"x"}}`, "a.js", "", ".nvmrc", "v20.11.0\n"), want{runtimes: "node 20.11.0, npm ^10"}},
		{"nvmrc by name", tree("package.json", `{"main":"a.js"}`, "a.js", "", ".nvmrc", "lts/jod"), want{runtimes: "node 22"}},
		{"nvmrc says newest", tree("package.json", `{"main":"a.js"}`, "a.js", "", ".nvmrc", "lts/*"), want{runtimes: "node ^24"}},
		{"node-version within engines", tree("package.json", `{"main":"a.js","engines":{"node":">=18"}}`, "a.js", "", ".node-version", "22.3.0"), want{runtimes: "node 22.3.0", noWarning: true}},
		{"pin against engines", tree("package.json", `{"main":"a.js","engines":{"node":"22.x"}}`, "a.js", "", ".nvmrc", "16"), want{runtimes: "node 22.x", warning: ".nvmrc asks for Node 16"}},
		{"engines upper bound", tree("package.json", `{"main":"a.js","engines":{"node":">=18 <21"}}`, "a.js", ""), want{runtimes: "node >=18 <21"}},
		{"engines lower bound in the default line", tree("package.json", `{"main":"a.js","engines":{"node":">=24.3"}}`, "a.js", ""), want{runtimes: "node >=24.3, ^24"}},
		{"engines nonsense", tree("package.json", `{"main":"a.js","engines":{"node":"newest please"}}`, "a.js", ""), want{runtimes: "node ^24", warning: "not a version range"}},
		{"old node", tree("package.json", `{"scripts":{"start":"node x"},"dependencies":{"a":"1"},"engines":{"node":"16.x"}}`), want{runtimes: "node 16.x, npm ^8", warning: "no security fixes"}},
		{"tool-versions", tree("package.json", `{"main":"a.js"}`, "a.js", "", ".tool-versions", "ruby 3.3\nnodejs 22.1.0\n"), want{runtimes: "node 22.1.0"}},

		{"nodemon", tree("package.json", `{"scripts":{"start":"nodemon app.js"},"devDependencies":{"nodemon":"3"}}`, "package-lock.json", lock), want{start: "node app.js", noWarning: true}},
		{"start with a development tool", tree("package.json", `{"scripts":{"start":"tsx src/a.ts"},"devDependencies":{"tsx":"4"}}`, "package-lock.json", lock), want{start: "tsx src/a.ts", warning: `"tsx" is started`}},
		{"prestart", tree("package.json", `{"scripts":{"prestart":"node prepare.js","start":"node a.js"}}`), want{start: "node prepare.js && node a.js"}},
		{"procfile", tree("package.json", `{"scripts":{"start":"node a.js"}}`, "Procfile", "web: node b.js\r\nworker: node c.js\r\n"), want{start: "node b.js", processes: "web, worker"}},

		{"next", tree("package.json", `{"scripts":{"build":"next build","start":"next start"},"dependencies":{"next":"15","react":"19"}}`, "package-lock.json", lock), want{framework: "Next.js", build: "npm run build", start: "next start", static: "-"}},
		{"next without scripts", tree("package.json", `{"dependencies":{"next":"15"}}`, "package-lock.json", lock), want{build: "next build", start: "next start -p $PORT"}},
		{"next export", tree("package.json", `{"scripts":{"build":"next build"},"dependencies":{"next":"15"}}`, "package-lock.json", lock, "next.config.mjs", "export default {\n  output: 'export',\n}\n"), want{static: "out built"}},
		{"next export in a comment", tree("package.json", `{"scripts":{"build":"next build"},"dependencies":{"next":"15"}}`, "next.config.js", "module.exports = {\n  // output: 'export',\n}\n"), want{static: "-", start: "next start -p $PORT"}},
		{"nuxt", tree("package.json", `{"scripts":{"build":"nuxt build"},"devDependencies":{"nuxt":"3"}}`, "yarn.lock", ""), want{framework: "Nuxt", build: "yarn run build", start: "node .output/server/index.mjs"}},
		{"nuxt generate", tree("package.json", `{"scripts":{"build":"nuxt generate"},"devDependencies":{"nuxt":"3"}}`), want{static: ".output/public built"}},
		{"nest", tree("package.json", `{"scripts":{"build":"nest build","start":"nest start","start:prod":"node dist/main"},"dependencies":{"@nestjs/core":"11","express":"5"}}`), want{framework: "NestJS", start: "node dist/main"}},
		{"remix", tree("package.json", `{"scripts":{"build":"remix vite:build","start":"remix-serve ./build/server/index.js"},"dependencies":{"@remix-run/serve":"2"},"devDependencies":{"@remix-run/dev":"2","vite":"6"}}`), want{framework: "Remix", start: "remix-serve ./build/server/index.js", static: "-"}},
		{"react router without a server", tree("package.json", `{"scripts":{"build":"react-router build"},"devDependencies":{"@react-router/dev":"7"}}`, "react-router.config.ts", "export default {\n  ssr: false,\n}"), want{static: "build/client built spa"}},
		{"sveltekit", tree("package.json", `{"scripts":{"build":"vite build"},"devDependencies":{"@sveltejs/kit":"2","vite":"6"}}`), want{framework: "SvelteKit", start: "node build"}},
		{"sveltekit static", tree("package.json", `{"scripts":{"build":"vite build"},"devDependencies":{"@sveltejs/kit":"2","@sveltejs/adapter-static":"3"}}`, "svelte.config.js", "adapter({\n pages: 'out',\n fallback: 'index.html' })"), want{static: "out built spa"}},
		{"astro", tree("package.json", `{"scripts":{"build":"astro build","start":"astro dev"},"dependencies":{"astro":"5"}}`), want{framework: "Astro", static: "dist built"}},
		{"astro with a server", tree("package.json", `{"scripts":{"build":"astro build"},"dependencies":{"astro":"5","@astrojs/node":"9"}}`), want{framework: "Astro", start: "node ./dist/server/entry.mjs", static: "-"}},
		{"vite and react", tree("package.json", `{"scripts":{"dev":"vite","build":"tsc -b && vite build","preview":"vite preview"},"dependencies":{"react":"19"},"devDependencies":{"vite":"6"}}`, "index.html", "", "package-lock.json", lock),
			want{framework: "Vite + React", build: "npm run build", static: "dist built spa", processes: "-", noWarning: true}},
		{"vite and vue elsewhere", tree("package.json", `{"scripts":{"build":"vite build"},"dependencies":{"vue":"3"},"devDependencies":{"vite":"6"}}`, "index.html", "", "vite.config.ts", "export default {\n build: { outDir: 'www/app' } }"), want{framework: "Vite + Vue", static: "www/app built spa"}},
		{"vite's output leads out", tree("package.json", `{"scripts":{"build":"vite build"},"devDependencies":{"vite":"6"}}`, "index.html", "", "vite.config.ts", "build: { outDir: '../../etc' }"), want{static: "dist built spa"}},
		{"vite and express", tree("package.json", `{"scripts":{"build":"vite build","start":"node server.js"},"dependencies":{"express":"4"},"devDependencies":{"vite":"6"}}`, "server.js", ""), want{framework: "Express", build: "npm run build", start: "node server.js", static: "-"}},
		{"vite beside an express that nothing starts", tree("package.json", `{"scripts":{"dev":"vite","build":"vite build"},"dependencies":{"express":"4","react":"19"},"devDependencies":{"vite":"6"}}`, "index.html", "", "src/main.js", ""), want{framework: "Vite + React", static: "dist built spa"}},
		{"create react app beside express", tree("package.json", `{"scripts":{"start":"react-scripts start","build":"react-scripts build"},"dependencies":{"react-scripts":"5","express":"4"}}`, "src/index.js", ""), want{framework: "Create React App", static: "build built spa"}},
		{"vite and a server of its own", tree("package.json", `{"scripts":{"build":"vite build","start":"node server.js"},"devDependencies":{"vite":"6"}}`, "server.js", ""), want{start: "node server.js", static: "-"}},
		{"create react app", tree("package.json", `{"scripts":{"start":"react-scripts start","build":"react-scripts build"},"dependencies":{"react-scripts":"5"}}`, "public/index.html", ""), want{framework: "Create React App", static: "build built spa"}},
		{"angular", tree("package.json", `{"scripts":{"start":"ng serve","build":"ng build"},"dependencies":{"@angular/core":"19"}}`, "angular.json", `{"projects":{"shop":{"projectType":"application","architect":{"build":{"builder":"@angular/build:application","options":{"outputPath":"dist/shop"}}}}}}`), want{framework: "Angular", static: "dist/shop/browser built spa"}},
		{"angular with defaults", tree("package.json", `{"scripts":{"build":"ng build"},"dependencies":{"@angular/core":"20"}}`, "angular.json", `{"projects":{"shop":{"architect":{"build":{"builder":"@angular/build:application","options":{}}}}}}`), want{static: "dist/shop/browser built spa"}},
		{"angular leads out", tree("package.json", `{"scripts":{"build":"ng build"},"dependencies":{"@angular/core":"20"}}`, "angular.json", `{"projects":{"s":{"architect":{"build":{"builder":"x:browser","options":{"outputPath":"../../x"}}}}}}`), want{static: "dist built spa"}},
		{"gatsby", tree("package.json", `{"scripts":{"build":"gatsby build","start":"gatsby develop"},"dependencies":{"gatsby":"5"}}`), want{framework: "Gatsby", static: "public built"}},
		{"docusaurus", tree("package.json", `{"scripts":{"build":"docusaurus build","start":"docusaurus start"},"dependencies":{"@docusaurus/core":"3"}}`), want{static: "build built"}},
		{"start script runs a development server", tree("package.json", `{"scripts":{"start":"npm run dev","dev":"thing"},"dependencies":{"express":"4"}}`), want{start: "npm run dev", warning: "development server"}},

		{"django with scripts of node", tree("manage.py", `os.environ.setdefault("DJANGO_SETTINGS_MODULE", "a.settings")`, "a/settings.py", "", "requirements.txt", "django", "package.json", `{"scripts":{"build":"tailwind"}}`), want{language: "python", framework: "Django"}},
		{"node with a python script", tree("package.json", `{"scripts":{"start":"node a.js"},"dependencies":{"express":"4"}}`, "requirements.txt", "pandas"), want{language: "node"}},
		{"procfile decides the language", tree("package.json", `{"scripts":{"start":"node a.js"},"dependencies":{"express":"4"}}`, "requirements.txt", "flask", "Procfile", "web: gunicorn app:app"), want{language: "python", start: "gunicorn app:app"}},
	})
}

func TestWorkspaceMember(t *testing.T) {
	files := tree("package.json", `{"workspaces":["apps/*"],"packageManager":"pnpm@10.2.0"}`, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm-workspace.yaml", "packages:\n  - apps/*\n",
		"apps/web/package.json", `{"scripts":{"build":"vite build"},"devDependencies":{"vite":"6"}}`, "apps/web/index.html", "",
		"apps/api/package.json", `{"scripts":{"start":"node a.js"},"dependencies":{"express":"4"}}`)
	api, err := Detect(files, paas.BuildSettings{Root: "apps/api"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, api, want{manager: "pnpm", file: "pnpm-lock.yaml", start: "node a.js", runtimes: "node ^24, npm ^11, pnpm 10.2.0"})
	web, err := Detect(files, paas.BuildSettings{Root: "apps/web"})
	if err != nil {
		t.Fatal(err)
	}
	check(t, web, want{static: "apps/web/dist built spa", build: "pnpm run build"})
}

func TestKeepDev(t *testing.T) {
	for _, tt := range []struct {
		name, pkg, procfile string
		keep                bool
	}{
		{"runtime tool", `{"scripts":{"start":"node a.js"},"devDependencies":{"tsx":"4"}}`, "", false},
		{"in start", `{"scripts":{"start":"cross-env A=1 node a.js"},"devDependencies":{"cross-env":"7"}}`, "", true},
		{"through npm run", `{"scripts":{"start":"npm run serve","serve":"ts-node a.ts"},"devDependencies":{"ts-node":"10"}}`, "", true},
		{"both kinds", `{"scripts":{"start":"tsx a.ts"},"dependencies":{"tsx":"4"},"devDependencies":{"tsx":"4"}}`, "", false},
		{"release", `{"scripts":{"start":"node a.js"},"devDependencies":{"prisma":"6"}}`, "release: npx prisma migrate deploy", true},
		{"worker", `{"scripts":{"start":"node a.js"},"devDependencies":{"tsx":"4"}}`, "jobs: tsx jobs.ts", true},
		{"required hook", `{"scripts":{"start":"node -r ts-node/register a.ts"},"devDependencies":{"ts-node":"10"}}`, "", true},
		{"script that calls itself", `{"scripts":{"start":"npm run start"},"devDependencies":{"tsx":"4"}}`, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := tree("package.json", tt.pkg, "package-lock.json", "{}")
			if tt.procfile != "" {
				files["Procfile"] = tree("p", tt.procfile)["p"]
			}
			plan, err := Detect(files, paas.BuildSettings{})
			if err != nil || plan.KeepDev != tt.keep {
				t.Errorf("keep = %v, want %v (%v)", plan.KeepDev, tt.keep, err)
			}
		})
	}
}

func TestRuntimeNamesItsFile(t *testing.T) {
	plan, err := Detect(tree("api/package.json", `{"main":"a.js","engines":{"node":"22.x"}}`, "api/a.js", ""), paas.BuildSettings{Root: "api"})
	if err != nil {
		t.Fatal(err)
	}
	if r := plan.Runtimes[0]; r.File != "api/package.json" || r.Constraint != "22.x" || !strings.Contains(plan.Facts[1].Text, "Node 22.x") {
		t.Errorf("runtime %+v, facts %+v", r, plan.Facts)
	}
}
