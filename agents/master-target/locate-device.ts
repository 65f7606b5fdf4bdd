import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TargetDevice } from '../../shared/contracts/commands.ts';
import { HOST_ROOT } from './host-root.ts';
import { windowsDisk } from './windows-disks.ts';

/** How long a disk that was hot-added may take to show up after the buses were searched. */
const APPEAR_MS = 10_000;
const LOOK_MS = 250;

interface Surroundings {
  /** Root of the file system that holds `dev` and `sys`. */
  readonly root: string;
  readonly appearMs: number;
}

const HERE: Surroundings = { root: HOST_ROOT, appearMs: APPEAR_MS };

/** Where a device is. */
interface FoundDevice {
  readonly path: string;
  /** `null` = the device itself tells when it is open. */
  readonly sizeBytes: number | null;
}

/** As this operating system finds it; `null` when it is not there. */
export async function findDevice(
  device: TargetDevice,
  platform: NodeJS.Platform = process.platform,
): Promise<FoundDevice | null> {
  if (platform === 'win32' && device.kind === 'diskUuid') return windowsDisk(device.uuid);
  const path = await locateDevice(device);
  return path === null ? null : { path, sizeBytes: null };
}

/**
 * Path of a target device under Linux, `null` when it is not there. vSphere shows a disk's UUID to the guest when the VM
 * has disk.EnableUUID=TRUE. A disk that does not show up by itself is looked for on all SCSI buses once.
 */
export async function locateDevice(
  device: TargetDevice,
  { root, appearMs }: Surroundings = HERE,
): Promise<string | null> {
  if (device.kind === 'file') return existsSync(device.path) ? device.path : null;
  const id = device.uuid.toLowerCase().replaceAll(/[^0-9a-f]/g, '');
  const found = await deviceOf(id, root);
  if (found !== null) return found;
  await searchBuses(root);
  for (const until = performance.now() + appearMs; performance.now() < until;) {
    await delay(LOOK_MS);
    const late = await deviceOf(id, root);
    if (late !== null) return late;
  }
  return null;
}

/** By udev's name where there is udev, else by what the kernel itself says. */
async function deviceOf(id: string, root: string): Promise<string | null> {
  const names = [`wwn-0x${id}`, `scsi-3${id}`].map((name) => join(root, 'dev/disk/by-id', name));
  const named = names.find((path) => existsSync(path));
  if (named !== undefined) return named;
  const blocks = join(root, 'sys/block');
  for (const name of await namesIn(blocks)) {
    const wwid = await readFile(join(blocks, name, 'device/wwid'), 'utf8').catch(() => '');
    if (wwid.trim().toLowerCase() === `naa.${id}`) return join(root, 'dev', name);
  }
  return null;
}

async function searchBuses(root: string): Promise<void> {
  const hosts = join(root, 'sys/class/scsi_host');
  for (const host of await namesIn(hosts)) {
    // Some adapters cannot be searched; the others are.
    await writeFile(join(hosts, host, 'scan'), '- - -').catch(() => undefined);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
