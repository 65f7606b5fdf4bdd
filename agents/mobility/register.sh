#!/bin/sh
# The mobility agent of a Linux guest: makes it known to the configuration server of its site. Safe to run again.
#   register.sh URL PASSPHRASE_FILE VM_ID
#   register.sh --install URL PASSPHRASE_FILE [--root FOLDER]
#   register.sh --boot [--root FOLDER]
# URL is the configuration server's .../mobility/register; VM_ID is the id of the VM on its hypervisor.
# --install  while the machine is still in Azure: from now on a service does at every boot what --boot does
# --boot     under VMware starts VMware Tools, or installs them, and registers; does nothing elsewhere
# --root     another root of the file system
# Ends with 0 when all is well, 1 when the server did not take it, 4 when something has to be done by hand.
set -eu

usage() {
  sed -n '2,10p' "$0" >&2
  exit 2
}

mode=register
root=''
url=''
passphrase_file=''
vm_id=''
while [ $# -gt 0 ]; do
  case "$1" in
    --install) mode=install ;;
    --boot) mode=boot ;;
    --root) [ $# -gt 1 ] || usage; root=${2%/}; shift ;;
    *)
      if [ -z "$url" ]; then url=$1
      elif [ -z "$passphrase_file" ]; then passphrase_file=$1
      elif [ -z "$vm_id" ]; then vm_id=$1
      else usage; fi
      ;;
  esac
  shift
done

program=/usr/local/sbin/azure-failback-register
settings="$root/etc/azure-failback"
unit=azure-failback-mobility.service
# Gone after a restart: a package that cannot be installed is asked for once a boot.
tried_file="$root/run/azure-failback-tools-tried"

# What a person has to do something about.
stop() {
  echo "$1" >&2
  exit 4
}

# Replaced as a whole, so that a run that is cut off leaves the old file or the new one.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.new"
  mv "$1.new" "$1"
}

# ---- registration ----------------------------------------------------------------------------------------
# $1: id of the VM; $2: state of VMware Tools, '' where nobody asked for it.
register() {
  passphrase=$(cat "$passphrase_file") || return 1
  # A file that was written on Windows ends with a carriage return.
  passphrase=${passphrase%"$(printf '\r')"}
  # The passphrase itself never leaves the guest: the proof shows that we know it.
  # Its hex form is visible in the process list for the moment openssl runs: run this as root only.
  proof=$(printf 'mobility:%s' "$1" |
    openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf '%s' "$passphrase" | od -An -v -tx1 | tr -d ' \n')" |
    sed 's/.*= *//')
  tools=''
  if [ -n "$2" ]; then tools=$(printf ',"vmwareTools":"%s"' "$2"); fi
  body=$(printf '{"vmId":"%s","hostName":"%s","version":"0.1.0","proof":"%s"%s}' "$1" "$(hostname)" "$proof" "$tools")
  curl --fail --silent --show-error --retry 5 --connect-timeout 10 --max-time 60 --data "$body" "$url" || return 1
}

# ---- VMware Tools ----------------------------------------------------------------------------------------
# Starts them, now and at every boot, and says what came of it: running, failed or notInstalled.
start_tools() {
  if ! command -v vmtoolsd >/dev/null 2>&1; then
    echo notInstalled
    return 0
  fi
  # Distributions name the service differently; a failover may have masked it.
  for service in vmtoolsd open-vm-tools vmware-tools; do
    systemctl unmask "$service" >/dev/null 2>&1 || true
    if systemctl enable --now "$service" >/dev/null 2>&1 && systemctl is-active --quiet "$service"; then
      echo running
      return 0
    fi
  done
  echo failed
}

install_tools() {
  echo 'VMware Tools are not installed; installing open-vm-tools.'
  if command -v apt-get >/dev/null 2>&1; then
    apt-get update -q || true
    # Upgrades that run at boot hold the lock.
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y open-vm-tools
  elif command -v dnf >/dev/null 2>&1; then
    dnf install -y open-vm-tools
  elif command -v yum >/dev/null 2>&1; then
    yum install -y open-vm-tools
  elif command -v zypper >/dev/null 2>&1; then
    zypper --non-interactive install open-vm-tools
  else
    return 1
  fi
}

# ---- at every boot ---------------------------------------------------------------------------------------
boot() {
  vendor=$(cat "$root/sys/class/dmi/id/sys_vendor" 2>/dev/null || true)
  case "$vendor" in
    VMware*) ;;
    *)
      echo "This machine does not run under VMware (${vendor:-its vendor is not known}): nothing to do."
      return 0
      ;;
  esac
  url=$(cat "$settings/registration-url") || stop "There is no $settings/registration-url: install this first."
  passphrase_file="$settings/passphrase"
  # The only id of a VM that its guest can see.
  vm_id=$(tr 'A-F' 'a-f' <"$root/sys/class/dmi/id/product_uuid")
  state=$(start_tools)
  result=0
  # First of all: an installation may take longer than the configuration server waits.
  report || result=1
  if [ "$state" = notInstalled ] && [ ! -e "$tried_file" ]; then
    put "$tried_file" </dev/null
    install_tools || echo 'open-vm-tools could not be installed.' >&2
    state=$(start_tools)
    report || result=1
  fi
  return "$result"
}

report() {
  echo "VMware Tools: $state"
  register "$vm_id" "$state" || return 1
  echo "Registered as $vm_id at $url."
}

# ---- once, while the machine is still in Azure -----------------------------------------------------------
install_service() {
  if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then stop 'Only root can install a service: run this with sudo.'; fi
  for needed in systemctl curl openssl; do
    command -v "$needed" >/dev/null 2>&1 || stop "There is no $needed, which the service needs. Install it first."
  done
  [ -r "$passphrase_file" ] || stop "The file $passphrase_file cannot be read."
  (
    umask 077
    put "$settings/passphrase" <"$passphrase_file"
    printf '%s\n' "$url" | put "$settings/registration-url"
  )
  put "$root$program" <"$0"
  put "$root/etc/systemd/system/$unit" <<UNIT
[Unit]
Description=Makes this machine known to the configuration server of its site, once it is home
After=network.target

[Service]
ExecStart=/bin/sh $program --boot
# The machine may have no address yet, or the server may be away.
Restart=on-failure
RestartSec=15
# What a person has to mend does not mend itself.
RestartPreventExitStatus=4

[Install]
WantedBy=multi-user.target
UNIT
  systemctl daemon-reload
  systemctl enable "$unit"
  # Packages are surely to be had in Azure; on-premises perhaps not. Without VMware the tools do not start.
  if ! command -v vmtoolsd >/dev/null 2>&1 && ! install_tools; then
    echo 'open-vm-tools could not be installed. It is tried again at the first boot under VMware.' >&2
  fi
  systemctl restart "$unit"
  echo "Installed: $unit runs at every boot."
}

case "$mode" in
  boot)
    [ -z "$url" ] || usage
    boot
    ;;
  install)
    if [ -z "$passphrase_file" ] || [ -n "$vm_id" ]; then usage; fi
    install_service
    ;;
  register)
    [ -n "$vm_id" ] || usage
    register "$vm_id" ''
    ;;
esac
