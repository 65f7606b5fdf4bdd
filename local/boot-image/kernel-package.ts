import { existsSync } from 'node:fs';
import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { KERNEL_METAPACKAGE, runTool } from './tools.ts';

const IMAGE_PACKAGE = /^\s*Depends: (linux-image-(\S+-cloud-amd64))$/m;

/** A Debian kernel package that apt can download. */
export interface KernelPackage {
  readonly name: string;
  /** What `uname -r` says; names the module folder. */
  readonly release: string;
  /** Debian's version; a rebuilt kernel keeps its release and gets a new version. */
  readonly version: string;
}

/** The newest cloud kernel of the configured Debian suite. */
export async function findKernelPackage(): Promise<KernelPackage> {
  const depends = await aptCache(['depends', '--important', KERNEL_METAPACKAGE]);
  const [, name, release] = IMAGE_PACKAGE.exec(depends) ?? [];
  if (name === undefined || release === undefined) throw unknownPackage(KERNEL_METAPACKAGE);
  const description = await aptCache(['show', '--no-all-versions', name]);
  const version = /^Version: (\S+)$/m.exec(description)?.[1];
  if (version === undefined) throw unknownPackage(name);
  return { name, release, version };
}

/**
 * Downloads the kernel package and unpacks it in `folder`, without installing it: no root is needed, and
 * the machine keeps its own kernel. Gives the kernel's file; the modules are ready for `modprobe -d`.
 */
export async function unpackKernel(
  { name, release, version }: KernelPackage,
  folder: string,
): Promise<{ kernelFile: string }> {
  await runTool('apt-get', ['download', '--quiet', `${name}=${version}`], { folder });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get downloaded nothing for ${name}=${version}.`);
  await runTool('dpkg-deb', ['--extract', archive, '.'], { folder });
  // Debian moves /lib to /usr/lib, and kmod looks below /lib.
  if (!existsSync(join(folder, 'lib'))) await symlink('usr/lib', join(folder, 'lib'));
  const kernelFile = join(folder, 'boot', `vmlinuz-${release}`);
  for (const needed of [kernelFile, join(folder, 'lib/modules', release)]) {
    if (!existsSync(needed))
      throw new Error(`${name} ${version} has no ${needed}: cannot boot it.`);
  }
  await runTool('depmod', ['-b', '.', release], { folder });
  return { kernelFile };
}

async function aptCache(parameters: readonly string[]): Promise<string> {
  return (await runTool('apt-cache', parameters)).toString('utf8');
}

function unknownPackage(name: string): Error {
  const remedy = 'Run apt-get update on a Debian system for amd64, and try again.';
  return new Error(`apt does not know which kernel ${name} stands for. ${remedy}`);
}
