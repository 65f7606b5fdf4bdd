import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { INIT_SCRIPT } from './init-script.ts';
import { BUSYBOX_FILE, runTool } from './tools.ts';

/** Disks of QEMU as virtio, SCSI and IDE, and of VMware: modules in Debian's cloud kernel. */
const DISK_MODULES = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'ata_piix',
  'vmw_pvscsi',
  'sd_mod',
];
const APPLETS = 'dd head insmod mount poweroff sh sleep sync tr uname'.split(' ');
const COMPRESSED = '.xz';

/** Changes whenever an initramfs of the same kernel would come out differently. */
export async function initramfsRecipe(): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([INIT_SCRIPT, DISK_MODULES, APPLETS]));
  return hash
    .update(await readFile(BUSYBOX_FILE))
    .digest('hex')
    .slice(0, 16);
}

/**
 * Packs busybox, the init script and the disk modules as a compressed cpio archive.
 * `kernelFolder` is the absolute path of an unpacked kernel package, `workFolder` an empty folder.
 */
export async function packInitramfs(
  kernelFolder: string,
  release: string,
  workFolder: string,
): Promise<Buffer> {
  const folders = ['bin', 'dev', 'mod', 'proc', 'sys'];
  for (const folder of folders) await mkdir(join(workFolder, folder), { recursive: true });
  await copyFile(BUSYBOX_FILE, join(workFolder, 'bin/busybox'));
  for (const applet of APPLETS) await symlink('busybox', join(workFolder, 'bin', applet));
  await writeFile(join(workFolder, 'init'), INIT_SCRIPT, { mode: 0o755 });
  const modules = await copyModules(kernelFolder, release, join(workFolder, 'mod'));
  const names = [
    'init',
    'bin/busybox',
    ...APPLETS.map((applet) => `bin/${applet}`),
    ...modules.map((module) => `mod/${module}`),
  ];
  const archive = await runTool(
    'cpio',
    ['--create', '--quiet', '--format=newc', '--owner=0:0', '--reproducible'],
    { folder: workFolder, input: `${[...folders, ...names].join('\n')}\n` },
  );
  // The kernel's decompressor knows no other checksum of xz.
  return runTool('xz', ['--stdout', '-9', '--check=crc32'], { input: archive });
}

/** Copies the modules with a number in front, in the order in which they have to be loaded. */
async function copyModules(
  kernelFolder: string,
  release: string,
  moduleFolder: string,
): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const module of DISK_MODULES) {
    // The configuration of this machine (-C) says nothing about the guest.
    const host = ['-C', '/dev/null', '-d', kernelFolder, '-S', release];
    const answer = await runTool('modprobe', [...host, '--show-depends', module]);
    // Lines are "insmod <file> <options>", or "builtin <module>" for those inside the kernel.
    for (const [, file] of answer
      .toString('utf8')
      .matchAll(/^insmod (.+?\.ko(?:\.xz)?)(?= |$)/gm)) {
      if (file !== undefined) files.add(file);
    }
  }
  const names: string[] = [];
  for (const file of files) {
    const number = String(names.length).padStart(2, '0');
    const name = `${number}-${basename(file, COMPRESSED)}`;
    const bytes = file.endsWith(COMPRESSED)
      ? await runTool('xz', ['--decompress', '--stdout', file])
      : await readFile(file);
    await writeFile(join(moduleFolder, name), bytes);
    names.push(name);
  }
  return names;
}
