import { existsSync } from 'node:fs';
import { readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TargetDevice } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { HOST_ROOT } from './host-root.ts';
import { windowsDisk } from './windows-disks.ts';

/** How long a disk that was hot-added may take to show up after the buses were searched. */
const APPEAR_MS = 10_000;
const LOOK_MS = 250;

export interface Surroundings {
  /** Root of the file system that holds `dev` and `sys`. */
  readonly root: string;
  readonly appearMs: number;
  /** Writes to a file of the kernel's that is there. */
  readonly tell: (file: string, text: string) => Promise<void>;
}

const HERE: Surroundings = {
  root: HOST_ROOT,
  appearMs: APPEAR_MS,
  tell: async (file, text) => writeFile(file, text, { flag: 'r+' }),
};

/** Where a device is. */
interface FoundDevice {
  readonly path: string;
  /** `null` = the device itself tells when it is open. */
  readonly sizeBytes: number | null;
}

/** As this operating system finds it; `null` when it is not there. Throws FB-JRN-011. */
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
 *
 * Linux does not notice when vSphere takes a disk away: the device stays, under the name and with the id of a disk that
 * may be another one by now. So each is asked again who it is, and of two with one id none is taken: FB-JRN-011.
 */
export async function locateDevice(
  device: TargetDevice,
  surroundings: Surroundings = HERE,
): Promise<string | null> {
  if (device.kind === 'file') return existsSync(device.path) ? device.path : null;
  const id = hexOf(device.uuid);
  const { root, appearMs } = surroundings;
  const found = await showing(id, surroundings);
  if (found.length === 1) return found[0] ?? null;
  // What is left of disks that are gone does not come back with the search.
  for (const path of found) await drop(basename(path), surroundings);
  for (const name of await namesIn(join(root, 'sys/block'))) await askAgain(name, surroundings);
  await searchBuses(surroundings);
  const until = performance.now() + appearMs;
  do {
    await delay(LOOK_MS);
    const [late, ...others] = await showing(id, surroundings);
    if (others.length > 0) {
      const paths = [late, ...others].map((path) => basename(path ?? ''));
      throw new FailbackError('FB-JRN-011', { uuid: device.uuid, devices: paths.join(', ') });
    }
    if (late !== undefined) return late;
  } while (performance.now() < until);
  return null;
}

/**
 * Called before a disk is taken away from this machine: Linux forgets the device, so that nothing of it is left that
 * could be taken for another disk. One that is not taken away after all is found again by the search of the buses.
 */
export async function letGoOf(
  device: TargetDevice,
  surroundings: Surroundings = HERE,
  platform: NodeJS.Platform = process.platform,
): Promise<void> {
  if (device.kind === 'file' || platform !== 'linux') return;
  for (const path of await showing(hexOf(device.uuid), surroundings)) {
    await drop(basename(path), surroundings);
  }
}

/** Paths of all devices that show the id. What the kernel itself says counts; udev's names only where it says nothing. */
async function showing(id: string, surroundings: Surroundings): Promise<readonly string[]> {
  const { root } = surroundings;
  const found = new Set<string>();
  for (const name of await namesIn(join(root, 'sys/block'))) {
    if ((await wwidOf(name, root)) !== `naa.${id}`) continue;
    await askAgain(name, surroundings);
    if ((await wwidOf(name, root)) === `naa.${id}`) found.add(join(root, 'dev', name));
  }
  for (const link of [`wwn-0x${id}`, `scsi-3${id}`]) {
    const path = await realpath(join(root, 'dev/disk/by-id', link)).catch(() => null);
    if (path !== null && (await wwidOf(basename(path), root)) === '') found.add(path);
  }
  return [...found];
}

/** Empty when the kernel does not tell. */
async function wwidOf(name: string, root: string): Promise<string> {
  const file = join(root, 'sys/block', name, 'device/wwid');
  return (await readFile(file, 'utf8').catch(() => '')).trim().toLowerCase();
}

/** The kernel reads a device's id when the device appears, and then only when it is told to. */
async function askAgain(name: string, { root, tell }: Surroundings): Promise<void> {
  await tell(join(root, 'sys/block', name, 'device/rescan'), '1').catch(() => undefined);
}

async function drop(name: string, { root, tell }: Surroundings): Promise<void> {
  await tell(join(root, 'sys/block', name, 'device/delete'), '1').catch(() => undefined);
}

async function searchBuses({ root, tell }: Surroundings): Promise<void> {
  const hosts = join(root, 'sys/class/scsi_host');
  for (const host of await namesIn(hosts)) {
    // Some adapters cannot be searched; the others are.
    await tell(join(hosts, host, 'scan'), '- - -').catch(() => undefined);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

function hexOf(uuid: string): string {
  return uuid.toLowerCase().replaceAll(/[^0-9a-f]/g, '');
}
