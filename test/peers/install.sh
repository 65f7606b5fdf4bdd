#!/bin/sh
# Installs the Debian packages behind the end-to-end tests on real peers, and prints what it has.
# Safe to run again: apt-get leaves alone what is there already.
# With --rivals also the tools that `npm run bench` measures against; no test needs them.
set -eu

packages='
  busybox-static
  cpio
  golang-github-vmware-govmomi-dev
  golang-go
  kmod
  mtools
  qemu-system-x86
  qemu-utils
  syslinux
  syslinux-common
  xz-utils
'

rivals='
  aria2
  curl
  libnbd-bin
  nbdkit
  qemu-block-extra
'

case "${1:-}" in
  '') ;;
  --rivals) packages="$packages $rivals" ;;
  *)
    echo "Unknown option $1: there is only --rivals." >&2
    exit 1
    ;;
esac

if ! command -v apt-get >/dev/null 2>&1; then
  echo 'The peers are Debian packages, and this system has no apt-get: use Debian or a Debian container.' >&2
  exit 1
fi

as_root=''
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo 'Packages can be installed by root only, and there is no sudo: run this as root.' >&2
    exit 1
  fi
  as_root='sudo'
fi

# The package list also names the kernel of the boot image, which is fetched when the image is built.
$as_root apt-get update -q
# One word a package is wanted here.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive \
  apt-get install -q -y --no-install-recommends $packages

echo
echo 'Peers on this machine:'
# shellcheck disable=SC2086
dpkg-query -W -f '  ${Package} ${Version}\n' $packages
