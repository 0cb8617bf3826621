#!/bin/sh
# Makes a release in dist/: the program for each processor, checksums, their signature, and an install.sh that trusts the key.
#   ./release.sh X.Y.Z KEY.pem      (an Ed25519 private key: openssl genpkey -algorithm ed25519 -out KEY.pem)
# ARCHES names the processors, by default "amd64 arm64".
set -eu
cd "$(dirname "$0")"
[ $# -eq 2 ] || { sed -n '2,4s/^# //p' "$0" >&2 && exit 2; }
version=$1 key=$(realpath "$2")
rm -rf dist && mkdir dist
for arch in ${ARCHES:-amd64 arm64}; do
	GOARCH=$arch go generate ./builder/lifecycle
	GOARCH=$arch CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X main.version=$version" -o "dist/cloudsania-linux-$arch" .
done
awk -v key="$(openssl pkey -in "$key" -pubout)" '/^RELEASE_KEY=/ { print "RELEASE_KEY=\047" key "\047"; next } { print }' install.sh >dist/install.sh
chmod +x dist/install.sh
cd dist
sha256sum cloudsania-linux-* install.sh >checksums.txt
openssl pkeyutl -sign -inkey "$key" -rawin -in checksums.txt -out checksums.txt.sig
ls -l
