package buildpack

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"syscall"

	"github.com/cloudsania/cloudsania/paas"
	"github.com/cloudsania/cloudsania/run"
	"github.com/cloudsania/cloudsania/terminal"
)

// reason is a known cause of a failed command: what its output shows, and what that means. $1 is the first group of
// the pattern.
type reason struct {
	pattern       *regexp.Regexp
	message, hint string
}

func because(pattern, message, hint string) reason {
	return reason{regexp.MustCompile("(?m)" + pattern), message, hint}
}

// reasons are looked for in this order, the ones that explain the others first.
var reasons = []reason{
	because(
		`ENOSPC|No space left on device|os error 28`,
		"the server's disk is full",
		"remove old apps or releases, or get a larger disk",
	),
	because(
		`JavaScript heap out of memory|Allocation failed - JavaScript heap|MemoryError|signal: killed|\bKilled$`,
		"the build ran out of memory",
		"make the build smaller, or raise the server's memory; for Node a build variable NODE_OPTIONS=--max-old-space-size=… sets its share",
	),
	{ // of a build command's own "npm ci": an install falls back to "npm install"
		npmOutOfSync,
		"package-lock.json does not match package.json",
		"run \"npm install\", commit package-lock.json, then deploy again",
	},
	because(
		`ERR_PNPM_OUTDATED_LOCKFILE|ERR_PNPM_LOCKFILE_CONFIG_MISMATCH`,
		"pnpm-lock.yaml does not match package.json",
		"run \"pnpm install\", commit pnpm-lock.yaml, then deploy again",
	),
	because(
		`ERR_PNPM_LOCKFILE_BREAKING_CHANGE|ERR_PNPM_BROKEN_LOCKFILE`,
		"pnpm cannot read pnpm-lock.yaml",
		"name your pnpm version in package.json: \"packageManager\": \"pnpm@<version>\"",
	),
	because(
		`Your lockfile needs to be updated|YN0028`,
		"yarn.lock does not match package.json",
		"run \"yarn install\", commit yarn.lock, then deploy again",
	),
	because(
		`(?:lockfile at .uv\.lock. needs to be updated|uv\.lock.*needs to be updated|lockfile.*needs to be updated)`,
		"uv.lock does not match pyproject.toml",
		"run \"uv lock\", commit uv.lock, then deploy again",
	),
	because(
		`npm (?:error|ERR!) code ERESOLVE`,
		"the dependencies contradict each other (ERESOLVE)",
		"run \"npm install\" on your machine and commit package-lock.json; a line \"legacy-peer-deps=true\" in .npmrc makes npm less strict",
	),
	because(
		`404\s+(?:The requested resource )?'((?:@[\w.-]+/)?[\w.-]+)@[^']*' (?:could not be found|is not in)|ERR_PNPM_FETCH_404.*?/((?:@[\w.-]+/)?[\w.-]+): Not Found`,
		"the package \"$1$2\" does not exist in the registry",
		"check its spelling in package.json; a private package needs a token in .npmrc and a build variable",
	),
	because(
		`npm (?:error|ERR!) code E40[13]|YN0041|ERR_PNPM_FETCH_40[13]`,
		"the package registry refused access",
		"set the registry's token as a build variable and use it in .npmrc",
	),
	because(
		`npm (?:error|ERR!) code (?:ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|ECONNREFUSED)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)|dns error|curl error (?:6|7|28)\b|dial tcp: lookup (\S+)|Temporary failure in name resolution`,
		"the package registry cannot be reached from the build",
		"check the server's internet connection and DNS, then deploy again",
	),
	because(
		`UnknownIssuer|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT|certificate verify failed|x509: certificate signed by unknown`,
		"the registry's certificate is not trusted",
		"when a company proxy re-signs connections, add its certificate to the server's trusted ones",
	),
	because(
		`(?s)No solution found when resolving.*?(?:×|╰─▶|Because) *(.{0,300})`,
		"no set of versions satisfies the Python requirements",
		"the lines above name the packages that contradict each other: loosen one of their versions",
	),
	because(
		`No interpreter found for Python (\S+)`,
		"Python $1 is not available",
		"choose another version in .python-version or requires-python, for instance 3.13",
	),
	because(
		"(?:error: )?(?:Failed to build|Failed to download and build) [`‘']?([\\w.-]+)",
		"the Python package \"$1\" could not be built",
		"the lines above say why; a newer version may come ready-built, or an Aptfile can add the system packages that it needs",
	),
	because(
		`HashMismatch|Hash mismatch`,
		"a downloaded package does not have the hash that the lock file says",
		"lock again and commit; if it stays so, the package was changed after its release",
	),
	because(
		`missing go\.sum entry`,
		"go.sum is incomplete",
		"run \"go mod tidy\", commit go.mod and go.sum, then deploy again",
	),
	because(
		`updates to go\.mod needed|go: updating go\.mod`,
		"go.mod is not up to date",
		"run \"go mod tidy\", commit go.mod and go.sum, then deploy again",
	),
	because(
		`go\.mod requires go >= ([\d.]+)`,
		"the module needs Go $1, which is newer than what is available here",
		"lower the go line in go.mod, or update Cloudsania",
	),
	because(
		`no required module provides package ([^\s;:]+)`,
		"go.mod does not list the package \"$1\"",
		"run \"go get $1\", commit go.mod and go.sum, then deploy again",
	),
	because(
		`requires? (ext-[\w-]+) \S+ (?:-> it is missing|.*it is missing from your system)`,
		"Composer misses the PHP extension $1",
		"add \"$1\": \"*\" to \"require\" in composer.json, so that it is installed",
	),
	because(
		`Your lock file does not contain a compatible set of packages|lock file is not up to date with the latest changes in composer\.json.*\n.*Required package`,
		"composer.lock does not suit composer.json or PHP here",
		"run \"composer update\", commit composer.lock, then deploy again",
	),
	because(
		`Missing script: "?([\w:.-]+)"?|ERR_PNPM_NO_SCRIPT|Command "([\w:.-]+)" not found|Couldn't find a script named "([\w:.-]+)"`,
		"package.json has no such script",
		"add it to \"scripts\" in package.json, or correct the build command in the settings",
	),
	because(
		`^(?:/bin/)?(?:sh|bash): (?:\d+|line \d+): ([\w./-]+): (?:not found|command not found)|build-command: line \d+: ([\w./-]+): command not found`,
		"the command \"$1$2\" is not installed",
		"add the package that brings it to your dependencies",
	),
	because(
		`Cannot find (?:module|package) '([^']+)'|Module not found: (?:Error: )?Can't resolve '([^']+)'`,
		"the module \"$1$2\" cannot be found",
		"add it to package.json; when it is a file of yours, check upper and lower case: they differ here",
	),
	because(
		`^\S+: error TS\d+|^.*\berror TS\d+:`,
		"TypeScript found errors",
		"correct the lines above; \"npx tsc --noEmit\" shows the same on your machine",
	),
	because(
		`KeyError: '([A-Z][A-Z0-9_]+)'|UndefinedValueError: ([A-Z][A-Z0-9_]+) not found|Set the ([A-Z][A-Z0-9_]+) environment variable`,
		"the build needs the variable $1$2$3",
		"set it and mark it as a build variable",
	),
	because(
		`(?i)ECONNREFUSED (?:127\.0\.0\.1|::1):(5432|3306|6379|27017)`,
		"the build looks for a database on port $1 of its own container",
		"read the database at run time only, or set the variable that holds its address and mark it as a build variable",
	),
	because(
		`ModuleNotFoundError: No module named '([\w.]+)'`,
		"the Python module \"$1\" is not installed",
		"add its package to the requirements",
	),
}

// explain turns a failed command into a sentence and a hint.
func explain(c command, err error, output string) error {
	var exit *run.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("running %q: %w", c.title, err) // it did not start: not the source's fault
	}
	output = terminal.Plain(output)
	e := &paas.Error{
		Kind: paas.Failed,
		Msg:  fmt.Sprintf("%q failed with %s", paas.Clip(c.title, 120), exitCode(exit)),
		Hint: "the last lines of its output say why",
		Err:  err,
	}
	if exit.Signal == syscall.SIGKILL || exit.Code == 128+int(syscall.SIGKILL) {
		output += "\nKilled"
	}
	for _, r := range reasons {
		m := r.pattern.FindStringSubmatchIndex(output)
		if m == nil {
			continue
		}
		expand := func(template string) string {
			return paas.Clip(strings.TrimSpace(string(r.pattern.ExpandString(nil, braces.ReplaceAllString(template, "$${$1}"), output, m))), 300)
		}
		e.Msg, e.Hint = expand(r.message), expand(r.hint)
		return e
	}
	return e
}

// exitCode is how a command ended, for messages.
func exitCode(exit *run.ExitError) string {
	if exit.Signal != 0 {
		return "signal " + exit.Signal.String()
	}
	return fmt.Sprintf("exit code %d", exit.Code)
}

var braces = regexp.MustCompile(`\$(\d)`) // "$1$2" means ${1}${2}
