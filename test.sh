#!/usr/bin/env bash
# Runs every check and every test with everything switched on. Installs what it needs, leaves nothing behind but caches.
#   ./test.sh          all of it
#   ./test.sh quick    formatting, vet, staticcheck and the tests that need no Docker
set -uo pipefail
cd "$(dirname "$0")" || exit

BEGAN=$SECONDS
MODE=${1:-all}
CACHE=${CLOUDSANIA_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cloudsania-test}
OUT=$(mktemp -d)
STARTED_DOCKERD=''
FAILED=()

step() { printf '\n[%4ds] %s\n' $((SECONDS - BEGAN)) "$*"; }
must() { "$@" || { printf 'error: %s\n' "$*" >&2; exit 1; }; }
check() { # NAME COMMAND…: goes on after a failure, so that one run shows all of them
	local name=$1
	shift
	step "$name"
	"$@" || FAILED+=("$name")
}

finish() {
	[ -z "$STARTED_DOCKERD" ] || { kill "$STARTED_DOCKERD" 2>/dev/null; wait "$STARTED_DOCKERD" 2>/dev/null; }
	rm -rf "$OUT"
}
trap finish EXIT

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
	local name=$1 log=$OUT/test-$1.log
	shift
	"$GO" test -v "$@" >"$log" 2>&1
	local code=$?
	if [ $code -ne 0 ]; then
		grep -vE '^(=== (RUN|PAUSE|CONT|NAME)|\s*--- (PASS|SKIP)|PASS$)' "$log" | tail -n 400
	else
		grep -E '^(ok|FAIL|\?)' "$log" | grep -v 'no test files'
	fi
	return $code
}

unit() {
	local packages
	mapfile -t packages < <("$GO" list ./... | grep -v /e2e)
	CGO_ENABLED=1 tests unit -race -timeout 15m "${packages[@]}"
}
end_to_end() { CLOUDSANIA_TEST_E2E=1 CLOUDSANIA_TEST_CACHE=$CACHE tests e2e -timeout 40m -parallel 3 ./e2e; }

counted() { cat "$OUT"/test-*.log 2>/dev/null | grep -cE "^\s*--- $1"; }

packages
GO=$(./install.sh --find-go) || exit 1
export GOFLAGS=-buildvcs=false
step "generating the lifecycle with $("$GO" env GOVERSION)"
must "$GO" generate ./builder/lifecycle
check "formatting" formatted
check "vet" "$GO" vet ./...
check "staticcheck" "$GO" tool staticcheck ./...
if [ "$MODE" = all ]; then
	check "known vulnerabilities" vulnerable
	check "shell scripts" shellcheck install.sh test.sh release.sh .ci/run
	docker_up
	base_tree
	export CLOUDSANIA_TEST_DOCKER=1 CLOUDSANIA_TEST_BROWSER=1 CLOUDSANIA_TEST_CACHE=$CACHE CLOUDSANIA_TEST_BASETREE=$CACHE/tree
fi
check "tests" unit
[ "$MODE" != all ] || check "end to end" end_to_end

step "took $(((SECONDS - BEGAN) / 60)) min $(((SECONDS - BEGAN) % 60)) s"
failed=$(counted FAIL)
if [ ${#FAILED[@]} -gt 0 ]; then
	printf 'failed: %s\n' "${FAILED[*]}"
	[ "$failed" -gt 0 ] || failed=${#FAILED[@]}
fi
printf '%d passed, %d failed, %d skipped\n' "$(counted PASS)" "$failed" "$(counted SKIP)"
[ ${#FAILED[@]} -eq 0 ]
