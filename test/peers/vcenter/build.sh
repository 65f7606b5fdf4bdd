#!/bin/sh
# Builds the peer into the given file with Debian's Go and govmomi, which test/peers/install.sh installs.
set -eu

target="${1:?name the file to build}"
folder="$(cd "$(dirname "$0")" && pwd)"

go="$(command -v go || true)"
if [ -z "$go" ]; then
  # Debian keeps a Go of its own version beside the one that may be on the PATH.
  for candidate in /usr/lib/go-*/bin/go; do
    if [ -x "$candidate" ]; then go="$candidate"; fi
  done
fi
if [ -z "$go" ]; then
  echo 'There is no Go: run test/peers/install.sh.' >&2
  exit 1
fi

# The package says itself where its sources are.
simulator="$(dpkg -L golang-github-vmware-govmomi-dev | grep '/src/github.com/vmware/govmomi/simulator$')"
sources="${simulator%/src/github.com/vmware/govmomi/simulator}"

cd "$folder"
GO111MODULE=off GOFLAGS='' GOPATH="$sources" GOCACHE="${GOCACHE:-${TMPDIR:-/tmp}/vcenter-peer-go-cache}" \
  exec "$go" build -trimpath -o "$target" .
