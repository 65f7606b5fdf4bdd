#!/bin/sh
# Prepares a Linux VM under vSphere to be a master target, or says what is missing. Safe to run again.
#   prepare-linux.sh [--check] [--retention FOLDER] [--root FOLDER]
# --check      changes nothing and prints the state as one line of JSON
# --retention  where the retention volume is mounted; /mnt/retention unless given
# --root       another root of the file system, for images and for containers that mount the machine's
# Ends with 0 when all is well, 3 when the VM has to be restarted, 4 when something has to be done by hand.
set -eu

usage() {
  sed -n '2,7p' "$0" >&2
  exit 2
}

mode=prepare
retention=/mnt/retention
root=''
while [ $# -gt 0 ]; do
  case "$1" in
    --check) mode=check ;;
    --retention) [ $# -gt 1 ] || usage; retention=$2; shift ;;
    --root) [ $# -gt 1 ] || usage; root=${2%/}; shift ;;
    *) usage ;;
  esac
  shift
done

state_folder="$root/var/lib/azure-failback"
boot_file="$state_folder/changes-made-in-boot"
lvm_file="$root/etc/lvm/lvmlocal.conf"
marker='# azure-failback: custom changes of the master target'

# ---- packages: VMware Tools for the host, the others to see SCSI disks that are hot-added ----------------
if command -v dpkg-query >/dev/null 2>&1; then
  if [ -d "$root/var/lib/dpkg" ]; then export DPKG_ADMINDIR="$root/var/lib/dpkg"; fi
  packages='open-vm-tools lsscsi sg3-utils lvm2'
  raid_folder=/etc/mdadm/mdadm.conf.d
  is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
  install_all() {
    apt-get update -q
    # One word a package is wanted here.
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $1
  }
elif command -v rpm >/dev/null 2>&1; then
  packages='open-vm-tools lsscsi sg3_utils lvm2'
  raid_folder=/etc/mdadm.conf.d
  is_installed() { rpm -q "$1" >/dev/null 2>&1; }
  install_all() {
    if command -v dnf >/dev/null 2>&1; then installer='dnf install -y'; else installer='zypper --non-interactive install'; fi
    # shellcheck disable=SC2086
    $installer $1
  }
else
  echo 'Neither dpkg nor rpm is here: a master target runs on Debian, Ubuntu, RHEL or SLES.' >&2
  exit 4
fi

missing_packages() {
  missing=''
  for package in $packages; do
    is_installed "$package" || missing="$missing $package"
  done
  echo "${missing# }"
}

# ---- custom changes --------------------------------------------------------------------------------------
# Disks of other machines come and go here. Their volume groups, RAIDs and file systems must never be taken
# into use: that would write to them while they are replicated.
changes_count() {
  if [ -f "$lvm_file" ]; then grep -c -x -F "$marker" "$lvm_file" || true; else echo 0; fi
}

# Replaced as a whole, so that a run that is cut off leaves the old file or the new one.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.new"
  mv "$1.new" "$1"
}

own_volume_groups() {
  lvs --noheadings -o vg_name 2>/dev/null | sort -u | awk '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $1 }'
}

# Asks the device itself: ID_VENDOR is known only behind 60-persistent-storage.rules, which an earlier version of
# this file came before.
put_rules() {
  put "$root/etc/udev/rules.d/61-azure-failback.rules" <<'RULES'
# Nothing is to offer or mount what comes along; what /etc/fstab names is mounted all the same.
ACTION=="add|change", SUBSYSTEM=="block", ATTRS{vendor}=="VMware*", ENV{UDISKS_IGNORE}="1"
RULES
  rm -f "$root/etc/udev/rules.d/60-azure-failback.rules"
}

apply_changes() {
  put_rules
  # Arrays that the VM itself has are named in its own configuration, and go on being assembled.
  put "$root$raid_folder/azure-failback.conf" <<'RAID'
AUTO -all
RAID
  # The marker is in the file that is written last: only with it the changes count as made.
  groups=$(own_volume_groups)
  {
    if [ -f "$lvm_file" ]; then cat "$lvm_file"; fi
    echo "$marker"
    echo "activation { auto_activation_volume_list = [ ${groups} ] }"
  } | put "$lvm_file"
  mkdir -p "$state_folder"
  boot_id | put "$boot_file"
}

boot_id() { cat "$root/proc/sys/kernel/random/boot_id"; }

is_restarted() {
  [ -f "$boot_file" ] && [ "$(cat "$boot_file")" != "$(boot_id)" ]
}

# ---- what only vSphere can give --------------------------------------------------------------------------
# VMware's disks show their UUID as a world wide name only with disk.EnableUUID=TRUE.
has_disk_uuids() {
  for file in "$root"/sys/block/sd*/device/wwid; do
    [ -f "$file" ] && grep -q -i '^naa\.6000c29' "$file" && return 0
  done
  return 1
}

# A mount point of its own, and with a file system that keeps what is renamed.
retention_type() {
  awk -v at="$retention" '$2 == at { type = $3 } END { print type }' "$root/proc/mounts"
}

is_retention_good() {
  case "$(retention_type)" in
    '' | vfat | msdos | exfat) return 1 ;;
    *) return 0 ;;
  esac
}

truth() { if "$@"; then echo true; else echo false; fi; }

json_list() {
  # shellcheck disable=SC2086
  set -- $1
  text=''
  for word in "$@"; do text="$text,\"$word\""; done
  echo "[${text#,}]"
}

print_state() {
  printf '{"missingPackages":%s,"customChangesCount":%s,"isRestartedSince":%s,"hasDiskUuids":%s,"isRetentionSeparate":%s}\n' \
    "$(json_list "$(missing_packages)")" "$(changes_count)" "$(truth is_restarted)" \
    "$(truth has_disk_uuids)" "$(truth is_retention_good)"
}

if [ "$mode" = check ]; then
  print_state
  exit 0
fi

if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
  echo 'Only root can prepare a master target: run this with sudo.' >&2
  exit 4
fi

missing=$(missing_packages)
if [ -n "$missing" ]; then
  echo "Installing: $missing"
  install_all "$missing"
fi

count=$(changes_count)
case "$count" in
  0)
    echo 'Making the custom changes: disks of other machines are left alone.'
    apply_changes
    ;;
  1)
    echo 'The custom changes were made before; they are not made again.'
    put_rules
    ;;
  *)
    echo "The custom changes are $count times in $lvm_file. Remove all but one of the blocks that begin with" >&2
    echo "\"$marker\", restart the VM, and run this again." >&2
    exit 4
    ;;
esac

status=0
if ! has_disk_uuids; then
  echo 'No disk shows its UUID. Shut the VM down, set disk.EnableUUID = TRUE in its advanced settings, start it.' >&2
  status=4
fi
if ! is_retention_good; then
  echo "$retention is no volume of its own, or its file system is FAT. Add a disk to the VM, make an ext4 or xfs" >&2
  echo 'file system on it, and mount it there.' >&2
  status=4
fi
if [ "$status" -eq 0 ] && ! is_restarted; then
  echo 'Restart the VM now: the changes count from the next start on.'
  status=3
fi
[ "$status" -ne 0 ] || echo 'This VM is ready to be a master target.'
exit "$status"
