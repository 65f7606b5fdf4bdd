import { mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type BootFiles, bootFiles } from './boot-files.ts';
import {
  checkMarker,
  diskHead,
  MIB,
  PARTITION_OFFSET_BYTES,
  partitionBytes,
  SECTOR_BYTES,
  SECTORS_PER_CLUSTER,
} from './disk-layout.ts';
import { MBR_CODE_FILE, runTool } from './tools.ts';

export { bootImageTools } from './tools.ts';

/** Boot loader, file tables and the rounding up to clusters. */
const FILE_SYSTEM_BYTES = MIB;

/** `tsc`, `mitigations`, `nokaslr`: an emulated CPU gains only time from them. `panic`: a guest that is lost stops. */
const SYSLINUX_CONFIG = `SERIAL 0 115200
DEFAULT guest
PROMPT 0
TIMEOUT 1
LABEL guest
  KERNEL /vmlinuz
  INITRD /initrd.xz
  APPEND console=ttyS0 quiet panic=-1 tsc=unstable mitigations=off nokaslr
`;

interface BootImageOptions {
  /** Appears when the image is complete; an earlier one is replaced. */
  readonly file: string;
  /** Whole MiB. The file is sparse. */
  readonly sizeBytes: number;
  /** Printed by the guest: visible ASCII without blanks, at most 64 characters. */
  readonly marker: string;
  /** Keeps kernel and initramfs by kernel version; may be shared and deleted. */
  readonly cacheFolder: string;
}

/**
 * Builds a raw disk that a BIOS can boot, from Debian's newest cloud kernel: partition table, marker in
 * sector 1, FAT16 with boot loader at 1 MiB. The guest prints `ASR-BOOT-OK kernel=… disk=… marker=…` on its
 * first serial port and powers off. Needs neither root nor loop devices. Throws RangeError for a size or
 * marker that cannot be, and Error with the words of the tool that failed (see `bootImageTools`).
 */
export async function buildBootImage(options: BootImageOptions): Promise<void> {
  const { sizeBytes, marker, cacheFolder } = options;
  const file = resolve(options.file);
  checkMarker(marker);
  const fatBytes = partitionBytes(sizeBytes);
  const files = await bootFiles(cacheFolder);
  await checkRoom(files, fatBytes);
  // Next to the file, so that it can be renamed into place.
  const workFolder = await mkdtemp(join(dirname(file), '.boot-image-'));
  try {
    const disk = join(workFolder, 'disk.raw');
    await writeHead(disk, sizeBytes, marker);
    await makeFileSystem(disk, fatBytes, files);
    await rename(disk, file);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}

async function checkRoom(files: BootFiles, fatBytes: number): Promise<void> {
  const kernel = await stat(files.kernelFile);
  const initramfs = await stat(files.initramfsFile);
  const neededBytes = kernel.size + initramfs.size + FILE_SYSTEM_BYTES;
  if (neededBytes <= fatBytes) return;
  const neededMiB = Math.ceil((neededBytes + PARTITION_OFFSET_BYTES) / MIB);
  const cause = 'the kernel and its initramfs do not fit into its partition';
  throw new RangeError(`The boot disk is too small: ${cause}. Use at least ${neededMiB} MiB.`);
}

async function writeHead(disk: string, sizeBytes: number, marker: string): Promise<void> {
  const head = diskHead(await readFile(MBR_CODE_FILE), sizeBytes, marker);
  const handle = await open(disk, 'wx');
  try {
    await handle.truncate(sizeBytes);
    await handle.write(head, 0, head.length, 0);
  } finally {
    await handle.close();
  }
}

async function makeFileSystem(disk: string, fatBytes: number, files: BootFiles): Promise<void> {
  const config = join(dirname(disk), 'syslinux.cfg');
  await writeFile(config, SYSLINUX_CONFIG);
  const volume = `${disk}@@${PARTITION_OFFSET_BYTES}`;
  const sectors = String(fatBytes / SECTOR_BYTES);
  const hiddenSectors = String(PARTITION_OFFSET_BYTES / SECTOR_BYTES);
  // The geometry of old: 64 heads, 32 sectors a track = 1 MiB a cylinder.
  const geometry = ['-h', '64', '-s', '32', '-H', hiddenSectors, '-T', sectors];
  await runTool('mformat', ['-i', volume, ...geometry, '-c', String(SECTORS_PER_CLUSTER), '::']);
  for (const source of [files.kernelFile, files.initramfsFile, config]) {
    await runTool('mcopy', ['-i', volume, source, '::']);
  }
  await runTool('syslinux', ['--offset', String(PARTITION_OFFSET_BYTES), '--install', disk]);
}
