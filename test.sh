#!/usr/bin/env bash
# Runs every check and every test with everything switched on. Installs what it needs, leaves nothing behind but caches. The checks, the
# unit tests and the end-to-end tests run side by side, since the latter two mostly wait: for Docker, for builds, for drained connections.
#   ./test.sh          all of it
#   ./test.sh quick    formatting, vet, staticcheck and the tests that need no Docker
set -uo pipefail
cd "$(dirname "$0")" || exit

MODE=${1:-all}
CACHE=${CLOUDSANIA_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cloudsania-test}
OUT=$(mktemp -d)
STARTED_DOCKERD=''
lanes=() # process groups of what runs side by side

step() { printf '\n[%4ds] %s\n' $SECONDS "$*"; }
must() { "$@" || { printf 'error: %s\n' "$*" >&2; exit 1; }; }
check() { # NAME COMMAND…: prints what it said when it has ended, and goes on after a failure, so that one run shows all of them
	local name=$1 began=$SECONDS shell=$BASHPID used result=ok said
	shift
	used=$(processor "$shell")
	said=$("$@" 2>&1) || result=FAILED
	part "$name" $((SECONDS - began)) $(($(processor "$shell") - used)) $result
	printf '\n[%4ds] %s: %s\n%s' $SECONDS "$name" $result "${said:+$said$'\n'}" # one write: others end at the same time
}
part() { printf '%-40s %8s %16s  %s\n' "$@" >>"$OUT/parts"; }
processor() { # PID: seconds of processor time that its ended children used, what Docker ran for them left out; see proc_pid_stat(5)
	awk '{ sub(/.*\) /, ""); print int(($14 + $15) / 100) }' "/proc/$1/stat"
}

finish() {
	local lane
	for lane in "${lanes[@]}"; do
		kill -- -"$lane" 2>/dev/null
	done
	[ -z "$STARTED_DOCKERD" ] || { kill "$STARTED_DOCKERD" 2>/dev/null; wait "$STARTED_DOCKERD" 2>/dev/null; }
	rm -rf "$OUT"
}
trap finish EXIT
trap 'exit 130' INT TERM

packages() {
	local want=()
	command -v git >/dev/null || want+=(git)
	command -v curl >/dev/null || want+=(curl)
	command -v gcc >/dev/null || want+=(gcc libc6-dev)
	if [ "$MODE" = all ]; then
		command -v dockerd >/dev/null || want+=(docker.io)
		command -v docker >/dev/null || want+=(docker-cli)
		command -v debootstrap >/dev/null || want+=(debootstrap)
		command -v python3 >/dev/null || want+=(python3)
		python3 -m pip --version >/dev/null 2>&1 || want+=(python3-pip)
		command -v systemd-analyze >/dev/null || want+=(systemd)
		command -v shellcheck >/dev/null || want+=(shellcheck)
		command -v ss >/dev/null || want+=(iproute2)
		command -v chromium >/dev/null || command -v google-chrome >/dev/null || want+=(chromium)
	fi
	[ ${#want[@]} -gt 0 ] || return 0
	step "installing ${want[*]}"
	export DEBIAN_FRONTEND=noninteractive
	must apt-get update -qq
	local p
	for p in "${want[@]}"; do
		apt-get install -y -qq --no-install-recommends "$p" >"$OUT/apt.log" 2>&1 && continue
		case $p in
		docker-cli) ;; # older distributions ship it inside docker.io
		chromium) must snap install chromium ;; # Ubuntu has no package of it
		*) cat "$OUT/apt.log" && exit 1 ;;
		esac
	done
}

docker_up() {
	curl -fs -m 5 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1 && return
	step "starting dockerd"
	local file
	for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do # of an engine that was killed: another program may have its number now
		[ ! -e "$file" ] || grep -qsE '^(dockerd|containerd)$' "/proc/$(cat "$file")/comm" || rm -f "$file"
	done
	dockerd >"$OUT/dockerd.log" 2>&1 &
	STARTED_DOCKERD=$!
	for _ in $(seq 60); do
		curl -fs -m 5 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1 && return
		sleep 1
	done
	cat "$OUT/dockerd.log"
	exit 1
}

base_tree() { # the Debian base that apps are built on, kept between runs
	[ ! -e "$CACHE/tree.done" ] || return 0
	step "unpacking the Debian base"
	mkdir -p "$CACHE"
	rm -rf "$CACHE/tree"
	must debootstrap --variant=minbase --include=ca-certificates trixie "$CACHE/tree" >"$OUT/debootstrap.log"
	touch "$CACHE/tree.done"
}

formatted() {
	local bad
	bad=$(git ls-files -co --exclude-standard '*.go' | grep -v /testdata/ | xargs gofmt -l)
	[ -z "$bad" ] || { printf 'not formatted: %s\n' "$bad"; return 1; }
}

vulnerable() {
	local out
	if out=$("$GO" tool govulncheck ./... 2>&1); then
		printf '%s\n' "$out" | tail -n 3
		return 0
	fi
	if printf '%s' "$out" | grep -qE 'no such host|connection refused|timeout|Forbidden|fetching vulnerabilities|i/o|EOF|lookup|dial'; then
		echo "govulncheck: the vulnerability database cannot be reached from here; not checked"
		return 0
	fi
	printf '%s\n' "$out"
	return 1
}

tests() { # NAME GO-TEST-ARGUMENTS…
	local log=$OUT/test-$1.json
	shift
	"$GO" test -json "$@" >"$log" 2>&1
	local code=$?
	"$OUT/summary" "$log" && return $code
	return 1 # also when no test failed, but the go command did
}

unit() {
	local packages
	mapfile -t packages < <("$GO" list ./... | grep -v '/e2e$')
	CGO_ENABLED=1 tests unit -race -timeout 20m -p 4 "${packages[@]}"
}
end_to_end() { CLOUDSANIA_TEST_E2E=1 CLOUDSANIA_TEST_CACHE=$CACHE tests e2e -timeout 40m -parallel 3 ./e2e; }

clients() { # the command line is for people's own computers, too
	local os
	for os in darwin windows; do
		GOOS=$os "$GO" build -o "$OUT/client-$os" . || return
	done
}

checks() {
	check "formatting" formatted
	check "vet" "$GO" vet ./...
	check "staticcheck" "$GO" tool staticcheck ./...
	[ "$MODE" = all ] || return 0
	check "client for other systems" clients
	check "known vulnerabilities" vulnerable
	check "shell scripts" shellcheck install.sh test.sh release.sh .ci/run
}

packages
GO=$(./install.sh --find-go) || exit 1
export GOFLAGS=-buildvcs=false CGO_ENABLED=0 # without C everything but the race detector shares one set of compiled packages
part part seconds "cpu seconds" ""
step "generating the lifecycle with $("$GO" env GOVERSION)"
must "$GO" generate ./builder/lifecycle
must "$GO" build -o "$OUT/summary" ./e2e/summary
if [ "$MODE" = all ]; then
	docker_up
	base_tree
	export CLOUDSANIA_TEST_DOCKER=1 CLOUDSANIA_TEST_BROWSER=1 CLOUDSANIA_TEST_CACHE=$CACHE CLOUDSANIA_TEST_BASETREE=$CACHE/tree
fi
part "getting ready" $SECONDS "$(processor $$)" ok
step "checks and tests"
set -m # a process group each, so that all of it can be ended
checks & lanes+=($!)
check "unit tests" unit & lanes+=($!)
[ "$MODE" != all ] || { check "end to end" end_to_end & lanes+=($!); }
set +m
wait "${lanes[@]}"
lanes=()

step "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
cat "$OUT/parts"
"$OUT/summary" -total "$OUT"/test-*.json
! grep -q 'FAILED$' "$OUT/parts"
