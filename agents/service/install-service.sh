#!/bin/sh
# Makes an agent a service of this Linux machine (systemd): it starts at every boot, and again whenever it ends.
#   install-service.sh AGENT CONFIG [--root FOLDER]
# AGENT   process-server, master-target or configuration-server
# CONFIG  its configuration file; docs/operating.md lists the fields
# --root  another root of the file system for what is written, for images and tests
# Safe to run again, also after an update. Ends with 0, or with 4 when something has to be done by hand.
set -eu

usage() {
  sed -n '2,7p' "$0" >&2
  exit 2
}

agent=''
config=''
root=''
while [ $# -gt 0 ]; do
  case "$1" in
    --root) [ $# -gt 1 ] || usage; root=${2%/}; shift ;;
    -*) usage ;;
    *)
      if [ -z "$agent" ]; then agent=$1
      elif [ -z "$config" ]; then config=$1
      else usage; fi
      ;;
  esac
  shift
done
[ -n "$config" ] || usage
case "$agent" in process-server | master-target | configuration-server) ;; *) usage ;; esac

# What a person has to do something about.
stop() {
  echo "$1" >&2
  exit 4
}

# ---- what the unit will name ------------------------------------------------------------------------------
# Of the package: dist/agents/service/install-service.sh, and node beside dist.
package=$(cd "$(dirname "$0")/../../.." && pwd)
main="$package/dist/agents/$agent/main.js"
node="$package/node/bin/node"
[ -x "$node" ] || node=$(command -v node) || stop "There is no Node.js: neither $package/node/bin/node nor one in the PATH."

[ -r "$main" ] || stop "There is no $main: run the script that lies in the package, or in dist after npm run build."
[ -r "$config" ] || stop "The file $config cannot be read."
config="$(cd "$(dirname "$config")" && pwd)/$(basename "$config")"
case "$node$main$config" in
  *[!A-Za-z0-9_.,:=@+~/-]*) stop "systemd would not understand these paths: $node, $main, $config. Use letters, digits and ._,:=@+~- only." ;;
esac

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then stop 'Only root can install a service: run this with sudo.'; fi
command -v systemctl >/dev/null 2>&1 || stop 'There is no systemctl, which the service needs.'

# It says itself what is wrong: better here than again and again in the journal.
"$node" "$main" --config "$config" --check || exit 4

# ---- the unit ---------------------------------------------------------------------------------------------
unit="azure-failback-$agent.service"
file="$root/etc/systemd/system/$unit"
mkdir -p "$(dirname "$file")"
# Replaced as a whole, so that a run that is cut off leaves the old file or the new one.
# glibc keeps memory of its own for each of Node's threads unless told otherwise: 40 MiB more with dozens of disks.
cat >"$file.new" <<UNIT
[Unit]
Description=azure-failback $agent
Wants=network-online.target
After=network-online.target

[Service]
Environment=MALLOC_ARENA_MAX=2
ExecStart=$node $main --config $config
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
UNIT
mv "$file.new" "$file"
systemctl daemon-reload
systemctl enable "$unit"
systemctl restart "$unit"
echo "Installed: $unit runs at every boot. What it does: journalctl -u $unit"
