/** Bytes of sector 1 that are read as the marker. */
export const MARKER_BYTES = 64;

/**
 * The guest's only program: finds the disk it was booted from, prints the evidence with the marker it reads
 * there, and powers off. The marker comes from the disk at boot time, so it proves whose bytes were booted.
 */
export const INIT_SCRIPT = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec >/dev/ttyS0 2>&1
# A driver for hardware that is not there may refuse to load.
for module in /mod/*; do insmod "$module" 2>/dev/null; done
# Disks are probed side by side, so that any of them may be sda: the one that it was booted from has a partition.
disk=
tries=0
while [ -z "$disk" ] && [ "$tries" -lt 300 ]; do
  for partition in /dev/sd?1 /dev/vd?1; do [ -b "$partition" ] && disk=\${partition%1}; done
  [ -n "$disk" ] || sleep 0.1
  tries=$((tries + 1))
done
if [ -n "$disk" ]; then
  marker=$(dd if="$disk" bs=512 skip=1 count=1 2>/dev/null | head -c ${MARKER_BYTES} | tr -d '\\000')
  echo "ASR-BOOT-OK kernel=$(uname -r) disk=$disk marker=$marker"
else
  echo "ASR-BOOT-FAILED kernel=$(uname -r): no disk with a partition was found"
fi
sync
poweroff -f
`;
