#!/bin/sh
# Registers this Linux guest with the configuration server of its site. Safe to run again and again.
#   register.sh URL PASSPHRASE_FILE VM_ID
# URL is the configuration server's .../mobility/register; VM_ID is the id of the VM on its hypervisor.
set -eu
if [ $# -ne 3 ]; then
  sed -n '2,4p' "$0" >&2
  exit 2
fi
url=$1
passphrase=$(cat "$2")
# A file that was written on Windows ends with a carriage return.
passphrase=${passphrase%"$(printf '\r')"}
vm_id=$3
# The passphrase itself never leaves the guest: the proof shows that we know it.
# Its hex form is visible in the process list for the moment openssl runs: run this as root only.
proof=$(printf 'mobility:%s' "$vm_id" |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf '%s' "$passphrase" | od -An -v -tx1 | tr -d ' \n')" |
  sed 's/.*= *//')
body=$(printf '{"vmId":"%s","hostName":"%s","version":"0.1.0","proof":"%s"}' "$vm_id" "$(hostname)" "$proof")
exec curl --fail --silent --show-error --retry 5 --data "$body" "$url"
