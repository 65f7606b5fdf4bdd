import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { initramfsRecipe, packInitramfs } from './initramfs.ts';
import { findKernelPackage, type KernelPackage, unpackKernel } from './kernel-package.ts';

/** Files of the cache; the boot loader expects their names, `vmlinuz` and `initrd.xz`. */
export interface BootFiles {
  readonly kernelFile: string;
  readonly initramfsFile: string;
}

/**
 * The newest kernel with an initramfs for it, from `cacheFolder` when it is there already. The cache has a
 * folder for each kernel version; old ones may be deleted at any time.
 */
export async function bootFiles(cacheFolder: string): Promise<BootFiles> {
  const kernel = await findKernelPackage();
  const key = [kernel.release, kernel.version, await initramfsRecipe()].join('_');
  // Debian versions may have a colon in them.
  const folder = join(resolve(cacheFolder), key.replaceAll(/[^\w.+~-]/g, '-'));
  if (!existsSync(folder)) await fill(resolve(cacheFolder), folder, kernel);
  return { kernelFile: join(folder, 'vmlinuz'), initramfsFile: join(folder, 'initrd.xz') };
}

/** The folder appears whole or not at all, also when two builds fill the cache at the same time. */
async function fill(cacheFolder: string, folder: string, kernel: KernelPackage): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  const workFolder = await mkdtemp(join(cacheFolder, 'building-'));
  try {
    const packageFolder = join(workFolder, 'package');
    const initramfsFolder = join(workFolder, 'initramfs');
    const ready = join(workFolder, 'ready');
    for (const each of [packageFolder, initramfsFolder, ready]) await mkdir(each);
    const { kernelFile } = await unpackKernel(kernel, packageFolder);
    await copyFile(kernelFile, join(ready, 'vmlinuz'));
    const initramfs = await packInitramfs(packageFolder, kernel.release, initramfsFolder);
    await writeFile(join(ready, 'initrd.xz'), initramfs);
    await rename(ready, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
}
