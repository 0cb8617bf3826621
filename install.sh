#!/bin/sh
# Installs Cloudsania on this server. Asks nothing, can be run again at any time, changes nothing outside what --help lists.
set -eu

usage() {
	cat <<'USAGE'
Usage: install.sh [options]

Installs Cloudsania on a fresh Debian 12/13 or Ubuntu 22.04/24.04 server, or updates it. From a checkout it builds the
program; otherwise it downloads a release and verifies its checksum and signature.

  --demo             also deploy an example app and print its address
  --domain BASE      apps live at <app>.BASE, the dashboard at BASE   (default: <ip>.sslip.io)
  --http ADDR        listen here for HTTP                             (default: :80)
  --https ADDR       listen here for HTTPS                            (default: :443)
  --tls MODE         auto, acme, self-signed or off                   (default: auto)
  --email ADDRESS    for messages of the certificate authority
  --data DIR         where everything is kept                         (default: /var/lib/cloudsania)
  --version X.Y.Z    install this release instead of the newest
  --uninstall        stop and remove the program; keep the data
  --purge            with --uninstall: remove the data and all apps, too
  --help             this text

Unattended ("user data" of a cloud provider): run it as it is, with CLOUDSANIA_CLAIM=<a secret of your own> in front. You then
claim the server at its address with that secret.

It puts: /usr/local/bin/cloudsania, /etc/cloudsania, the data directory, two systemd units and a socket unit (where there is
systemd), the user cloudsania-edge, and the packages docker.io (where no Docker runs), debootstrap, git, curl, openssl, iproute2, python3-pip.
USAGE
}

# The public key that releases are signed with; the release tool writes it in. A checkout has none: it builds.
RELEASE_KEY=''
RELEASES=${CLOUDSANIA_RELEASES:-https://github.com/cloudsania/cloudsania/releases}
GO_WANTED=1.26
GO_FETCHED=1.26.8
BIN=${CLOUDSANIA_BIN:-/usr/local/bin/cloudsania}
ETC=/etc/cloudsania
EDGE_USER=cloudsania-edge
GO_HOME=/var/cache/cloudsania # where a Go goes that had to be fetched
LOGS=/var/log/cloudsania

say() { printf '%s\n' "$*"; }
step() { printf '[%3ds] %s\n' "$(($(date +%s) - BEGAN))" "$*"; }
fail() {
	printf '\nerror: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf 'hint:  %s\n' "$2" >&2
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

options() {
	DEMO='' UNINSTALL='' FIND_GO='' PURGE='' DOMAIN='' HTTP=:80 HTTPS=:443 TLS=auto EMAIL='' DATA=/var/lib/cloudsania VERSION=''
	while [ $# -gt 0 ]; do
		case $1 in
		--demo) DEMO=1 ;;
		--uninstall) UNINSTALL=1 ;;
		--purge) PURGE=1 ;;
		--find-go) FIND_GO=1 ;; # for test.sh: print where a suitable Go is
		--help | -h) usage && exit 0 ;;
		--domain | --http | --https | --tls | --email | --data | --version)
			[ $# -gt 1 ] || fail "$1 needs a value" "see $0 --help"
			case $1 in
			--domain) DOMAIN=$2 ;; --http) HTTP=$2 ;; --https) HTTPS=$2 ;; --tls) TLS=$2 ;;
			--email) EMAIL=$2 ;; --data) DATA=${2%/} ;; --version) VERSION=${2#v} ;;
			esac
			shift
			;;
		*) fail "there is no option $1" "see $0 --help" ;;
		esac
		shift
	done
	case $DATA in /?*) ;; *) fail "--data needs an absolute path, not '$DATA'" ;; esac
	case "$DOMAIN$HTTP$HTTPS$TLS$EMAIL$DATA$VERSION" in
	*[!A-Za-z0-9.:@/_+-]*) fail "an option holds a character that cannot be right" "addresses, names and paths only; see $0 --help" ;;
	esac
	KEY=$ETC/key CLAIM=$ETC/claim PIDFILE=/run/cloudsania.pid
	[ "$DATA" = /var/lib/cloudsania ] || KEY=$DATA.key CLAIM=$DATA.claim PIDFILE=$DATA.pid
}

# --- preflight ---------------------------------------------------------------------------------------------------------------

preflight() {
	[ "$(id -u)" = 0 ] || fail "this needs root" "run it with sudo: sudo $0"
	check_os
	check_processor
	check_memory
	check_disk
	check_port "$HTTP"
	check_port "$HTTPS"
}

check_processor() {
	case $(uname -m) in
	x86_64) ARCH=amd64 ;;
	aarch64) ARCH=arm64 ;;
	*) fail "this processor ($(uname -m)) is not supported" "Cloudsania runs on 64-bit x86 and ARM" ;;
	esac
}

check_os() {
	[ -r /etc/os-release ] || fail "cannot tell which system this is" "Cloudsania installs on Debian 12/13 and Ubuntu 22.04/24.04"
	# shellcheck disable=SC1091
	OS=$(. /etc/os-release && printf '%s %s' "${ID:-?}" "${VERSION_ID:-?}")
	case $OS in
	"debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
	"debian "* | "ubuntu "*) say "note: $OS is not tested; Debian 12/13 and Ubuntu 22.04/24.04 are" ;;
	*) fail "this is $OS; Cloudsania installs on Debian 12/13 and Ubuntu 22.04/24.04" "choose one of these images at your provider and run this again" ;;
	esac
}

check_memory() {
	mem=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
	swap=$(awk '/^SwapTotal/ {print int($2 / 1024)}' /proc/meminfo)
	[ "$mem" -ge 800 ] || fail "this server has $mem MB of memory; Cloudsania needs 1 GB" "choose a larger server"
	if [ "$mem" -lt 3000 ] && [ "$swap" -lt 256 ] && [ ! -e /swapfile.cloudsania ]; then
		NEED_SWAP=1
	else
		NEED_SWAP=''
	fi
}

check_disk() {
	at=$DATA
	while [ ! -d "$at" ]; do at=$(dirname "$at"); done
	free=$(df -Pm "$at" | awk 'NR == 2 {print $4}')
	[ "$free" -ge 5000 ] || fail "only $free MB are free on the disk of $DATA; 5000 are needed" "free some space, or name another disk with --data"
}

# check_port fails when a program other than ours holds the port, naming it and the ways out.
check_port() {
	port=${1##*:}
	case $port in '' | *[!0-9]*) fail "'$1' is not an address to listen on" "write it like :80 or 127.0.0.1:8080" ;; esac
	have ss || return 0
	who=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$(ss -Hltn "sport = :$port" 2>/dev/null)" ] || return 0
	case $who in
	cloudsania* | systemd) return 0 ;; # ours, or the socket unit of an earlier run
	esac
	fail "port $port is in use by ${who:-another program}" "three ways out: stop ${who:-that program}; or install on a fresh server; or listen elsewhere with --http :8080 --https :8443 and let ${who:-it} forward to there"
}

# --- what we need from the distribution --------------------------------------------------------------------------------------

packages() {
	want=''
	have curl || want="$want curl"
	have git || want="$want git"
	have debootstrap || want="$want debootstrap"
	have ss || want="$want iproute2"
	have openssl || want="$want openssl"
	/usr/bin/python3 -m pip --version >/dev/null 2>&1 || python3 -m pip --version >/dev/null 2>&1 || want="$want python3-pip" # it knows the index that uv comes from
	[ -e /etc/ssl/certs/ca-certificates.crt ] || want="$want ca-certificates"
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || want="$want debian-archive-keyring"
	docker_answers || have dockerd || want="$want docker.io"
	[ -n "$want" ] || return 0
	step "installing packages:$want"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || fail "the package lists could not be fetched" "is this server connected to the internet?"
	# shellcheck disable=SC2086 # a list of words
	apt-get install -y -qq --no-install-recommends $want >"$LOGS/packages.log" 2>&1 ||
		fail "the packages$want could not be installed" "see $LOGS/packages.log"
}

docker_answers() {
	[ -S /var/run/docker.sock ] || return 1
	curl -fs -m 5 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1
}

start_docker() {
	docker_answers && return 0
	step "starting Docker"
	if [ -d /run/systemd/system ]; then
		systemctl enable --now docker >/dev/null 2>&1 || fail "Docker did not start" "see: journalctl -u docker"
	else
		setsid dockerd >"$LOGS/dockerd.log" 2>&1 </dev/null &
	fi
	n=0
	until docker_answers; do
		n=$((n + 1))
		[ $n -lt 60 ] || fail "Docker does not answer after 60 seconds" "see $LOGS/dockerd.log, or: journalctl -u docker"
		sleep 1
	done
}

make_swap() {
	[ -n "$NEED_SWAP" ] || return 0
	step "making a swap file of 2 GB, since this server has $mem MB of memory"
	if (umask 077 && dd if=/dev/zero of=/swapfile.cloudsania bs=1M count=2048 status=none) && mkswap -q /swapfile.cloudsania && swapon /swapfile.cloudsania; then
		grep -q '^/swapfile.cloudsania ' /etc/fstab || echo '/swapfile.cloudsania none swap sw 0 0' >>/etc/fstab
	else
		rm -f /swapfile.cloudsania
		say "note: no swap file could be made here; large builds may run out of memory"
	fi
}

# --- the program -------------------------------------------------------------------------------------------------------------

# find_checkout sets SRC to the checkout that this script lies in, "" when it came alone.
find_checkout() {
	case $0 in
	*install.sh) SRC=$(cd "$(dirname "$0")" && pwd) ;;
	*) SRC='' ;;
	esac
	[ -n "$SRC" ] && [ -f "$SRC/go.mod" ] && [ -z "$VERSION" ] || SRC=''
}

build_program() {
	find_go
	fresh=''
	if [ -x "$BIN" ] && [ "$("$BIN" version --source 2>/dev/null)" = "$(source_sum)" ]; then
		fresh=1
	fi
	if [ -n "$fresh" ]; then
		step "the program is up to date"
		return 0
	fi
	step "building the program (a minute or two the first time)"
	(
		cd "$SRC"
		export CGO_ENABLED=0
		"$GO" generate ./builder/lifecycle &&
			"$GO" build -buildvcs=false -trimpath -ldflags "-s -w -X main.source=$(source_sum)" -o "$BIN.new" .
	) >"$LOGS/build.log" 2>&1 || fail "the program could not be built" "see $LOGS/build.log"
	mv -f "$BIN.new" "$BIN"
}

# source_sum names the state of the checkout, so that a second run does not build again.
source_sum() {
	(cd "$SRC" && find . -name .git -prune -o -type f \( -name '*.go' -o -name 'go.*' -o -path './ui/*' -o -path './examples/*' -o -path './server/*' \) -print |
		LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c 1-16)
}

# find_go sets GO to one that can build the program, fetching it when the distribution's is missing or too old.
find_go() {
	for GO in go /usr/local/go/bin/go /usr/lib/go/bin/go "$GO_HOME/go/bin/go"; do
		have "$GO" && new_enough "$("$GO" env GOVERSION 2>/dev/null)" && return 0
	done
	step "fetching Go $GO_FETCHED" >&2
	mkdir -p "$GO_HOME"
	GO=$GO_HOME/go/bin/go
	if fetch_go_archive || fetch_go_module; then
		return 0
	fi
	fail "no Go $GO_WANTED or newer could be had" "install it from https://go.dev/dl, or install a release: curl it instead of running from a checkout"
}

new_enough() {
	have_version=${1#go}
	[ -n "$have_version" ] && [ "$(printf '%s\n%s\n' "$GO_WANTED" "$have_version" | sort -V | head -n 1)" = "$GO_WANTED" ]
}

fetch_go_archive() {
	file=go$GO_FETCHED.linux-$ARCH.tar.gz
	sum=$(curl -fsSL -m 20 'https://go.dev/dl/?mode=json&include=all' 2>/dev/null | tr -d ' \n' | sed -n "s/.*\"filename\":\"$file\"[^}]*\"sha256\":\"\([0-9a-f]*\)\".*/\1/p")
	[ -n "$sum" ] || return 1
	curl -fsSL -m 600 -o "$TMP/go.tgz" "https://go.dev/dl/$file" || return 1
	echo "$sum  $TMP/go.tgz" | sha256sum -c --status || fail "the download of Go has the wrong checksum" "try again; if it stays, somebody is changing your downloads"
	rm -rf "$GO_HOME/go" && tar -C "$GO_HOME" -xzf "$TMP/go.tgz"
}

# fetch_go_module takes the same toolchain from the Go module proxy: the distribution's go command checks it against the public
# checksum database.
fetch_go_module() {
	have go || apt-get install -y -qq --no-install-recommends golang-go >>"$LOGS/packages.log" 2>&1 || return 1
	module=golang.org/toolchain
	at=v0.0.1-go$GO_FETCHED.linux-$ARCH
	mkdir -p "$TMP/gomod" && (
		cd "$TMP/gomod"
		export GOMODCACHE="$TMP/gomodcache" GOTOOLCHAIN=local GO111MODULE=on
		go mod init fetch && go mod download -modcacherw "$module@$at"
	) >>"$LOGS/build.log" 2>&1 || return 1
	rm -rf "$GO_HOME/go" && mv "$TMP/gomodcache/$module@$at" "$GO_HOME/go" && chmod -R u+rwX "$GO_HOME/go" && chmod +x "$GO_HOME"/go/bin/* "$GO_HOME"/go/pkg/tool/*/*
}

download_program() {
	[ -n "${CLOUDSANIA_RELEASE_KEY:-}" ] && RELEASE_KEY=$(cat "$CLOUDSANIA_RELEASE_KEY")
	[ -n "$RELEASE_KEY" ] || fail "this copy of install.sh cannot verify releases: it carries no release key" "take the script from the release page, or run it from a checkout"
	from=$RELEASES/latest/download
	[ -z "$VERSION" ] || from=$RELEASES/download/v$VERSION
	file=cloudsania-linux-$ARCH
	step "downloading $file from $from"
	for f in checksums.txt checksums.txt.sig "$file"; do
		curl -fsSL -m 600 --retry 3 -o "$TMP/$f" "$from/$f" || fail "$from/$f could not be downloaded" "is there such a release, and is this server connected to the internet?"
	done
	printf '%s\n' "$RELEASE_KEY" >"$TMP/key.pem"
	openssl pkeyutl -verify -pubin -inkey "$TMP/key.pem" -rawin -in "$TMP/checksums.txt" -sigfile "$TMP/checksums.txt.sig" >/dev/null 2>&1 ||
		fail "the signature of the release is wrong; nothing was installed" "try again; if it stays, tell security@cloudsania.dev"
	(cd "$TMP" && grep -F " $file" checksums.txt | sha256sum -c --status) ||
		fail "the checksum of $file is wrong; nothing was installed" "the download may be incomplete: try again"
	chmod 755 "$TMP/$file"
	"$TMP/$file" version >/dev/null || fail "the downloaded program does not run on this machine"
	mv -f "$TMP/$file" "$BIN"
}

# --- users, directories, services ---------------------------------------------------------------------------------------------

lay_out() {
	getent passwd "$EDGE_USER" >/dev/null || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$EDGE_USER"
	install -d -m 0711 "$DATA"
	install -d -m 0750 -o "$EDGE_USER" -g "$EDGE_USER" "$DATA/edge"
	install -d -m 0755 "$DATA/static"
	install -d -m 0700 "$ETC"
	rm -f "$CLAIM"
	if [ -n "${CLOUDSANIA_CLAIM:-}" ]; then
		(umask 077 && printf '%s' "$CLOUDSANIA_CLAIM" >"$CLAIM")
	fi
	FLAGS="--data $DATA --key $KEY --http $HTTP --https $HTTPS --tls $TLS --edge-user $EDGE_USER"
	[ -z "$DOMAIN" ] || FLAGS="$FLAGS --domain $DOMAIN"
	[ -z "$EMAIL" ] || FLAGS="$FLAGS --email $EMAIL"
	[ ! -e "$CLAIM" ] || FLAGS="$FLAGS --claim-file $CLAIM"
}

# base_tree unpacks the Debian base that apps are built on while the program compiles.
base_tree() {
	tree=$DATA/builder/tree
	[ ! -e "$tree.done" ] || return 0
	mkdir -p "$DATA/builder"
	rm -rf "$tree"
	set -- --variant=minbase --include=ca-certificates trixie "$tree"
	[ -z "${CLOUDSANIA_MIRROR_DEBIAN:-}" ] || set -- "$@" "$CLOUDSANIA_MIRROR_DEBIAN"
	debootstrap "$@" >"$LOGS/base.log" 2>&1 && touch "$tree.done"
}

start_services() {
	if [ -d /run/systemd/system ]; then
		# shellcheck disable=SC2086 # flags hold no spaces: checked above
		"$BIN" units --dir /etc/systemd/system -- $FLAGS
		systemctl daemon-reload
		systemctl enable -q cloudsania-edge.socket cloudsania.service
		if systemctl -q is-active cloudsania-edge.service; then
			systemctl reload cloudsania-edge.service # a new edge takes the ports over, the old one ends when its last request has
		else
			systemctl start cloudsania-edge.socket cloudsania-edge.service
		fi
		systemctl restart cloudsania.service
	else
		stop_detached
		# shellcheck disable=SC2086 # flags hold no spaces: checked above
		setsid "$BIN" serve $FLAGS >>"$LOGS/control.log" 2>&1 </dev/null &
		echo $! >"$PIDFILE"
	fi
}

stop_detached() {
	[ -e "$PIDFILE" ] || return 0
	pid=$(cat "$PIDFILE")
	if [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "^$BIN serve"; then
		kill "$pid" 2>/dev/null || true
		n=0
		while kill -0 "$pid" 2>/dev/null && [ $n -lt 300 ]; do n=$((n + 1)) && sleep 0.1; done
	fi
	rm -f "$PIDFILE"
}

wait_for_control() {
	n=0
	until "$BIN" doctor --data "$DATA" --ready >/dev/null 2>&1; do
		n=$((n + 1))
		if [ -e "$PIDFILE" ] && ! kill -0 "$(cat "$PIDFILE")" 2>/dev/null; then
			tail -n 5 "$LOGS/control.log" >&2
			fail "Cloudsania ended right after it was started" "the lines above say why; they are from $LOGS/control.log"
		fi
		[ $n -lt 120 ] || fail "Cloudsania does not answer after a minute" "see $LOGS/control.log, or: journalctl -u cloudsania"
		sleep 0.5
	done
}

uninstall() {
	[ "$(id -u)" = 0 ] || fail "this needs root" "run it with sudo"
	if [ -d /run/systemd/system ]; then
		systemctl disable -q --now cloudsania.service cloudsania-edge.socket cloudsania-edge.service 2>/dev/null || true
		rm -f /etc/systemd/system/cloudsania.service /etc/systemd/system/cloudsania-edge.socket /etc/systemd/system/cloudsania-edge.service
		systemctl daemon-reload
	fi
	stop_detached
	if [ -x "$BIN" ] && [ -d "$DATA" ]; then
		"$BIN" remove --data "$DATA" --key "$KEY" ${PURGE:+--purge} || say "note: not everything could be removed; run this again when Docker answers"
	fi
	rm -f "$BIN"
	if [ -n "$PURGE" ]; then
		rm -rf "$DATA" "$KEY" "$CLAIM"
		rmdir "$ETC" 2>/dev/null || true # another installation may keep its key there
		swapoff /swapfile.cloudsania 2>/dev/null || true
		rm -f /swapfile.cloudsania
		[ ! -e /etc/fstab ] || sed -i '\#^/swapfile.cloudsania #d' /etc/fstab
		say "Cloudsania and all of its data are removed. Docker and the packages are still installed."
	else
		say "Cloudsania is removed. Your data is in $DATA, its key in $KEY; install again to go on."
	fi
}

main() {
	BEGAN=$(date +%s)
	options "$@"
	[ -z "$UNINSTALL" ] || { uninstall && exit 0; }
	TMP=$(mktemp -d)
	base=''
	trap 'rm -rf "$TMP"; [ -z "$base" ] || wait "$base" || true' EXIT # an unfinished base must not grow beside the next run's
	[ -z "$FIND_GO" ] || { check_processor && mkdir -p "$LOGS" && find_go && command -v "$GO" && exit 0; }
	preflight
	install -d -m 0750 "$LOGS"
	mkdir -p "$DATA"
	packages
	make_swap
	find_checkout
	[ -n "$SRC" ] || download_program
	base_tree &
	base=$!
	step "unpacking the Debian base that apps are built on, in the background"
	start_docker
	[ -z "$SRC" ] || build_program
	lay_out
	wait $base || say "note: the Debian base could not be fetched yet; the server tries again by itself (see $LOGS/base.log)"
	step "starting Cloudsania"
	start_services
	wait_for_control
	if [ -n "$DEMO" ]; then
		step "deploying the example app"
		"$BIN" demo --data "$DATA" || fail "the example app did not go live" "the lines above say why; the dashboard works all the same"
	fi
	step "done"
	"$BIN" doctor --data "$DATA" --welcome
	[ -d /run/systemd/system ] || say "There is no systemd here. To stop: kill \$(cat $PIDFILE); your apps go on. To start again: run this script again."
}

main "$@"
