import { copyFile, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../runtime/error-code.ts';

/** What a rename is refused with on Windows while somebody, as a virus scanner, has one of the files open. */
const IN_USE: readonly string[] = ['EPERM', 'EACCES', 'EBUSY'];
const RENAME_ATTEMPTS = 40;
const RENAME_PAUSE_MS = 50;

/** What differs between operating systems; the one we run on, unless a test says otherwise. */
interface FileSystem {
  readonly platform: NodeJS.Platform;
  readonly rename: (from: string, to: string) => Promise<void>;
}

const HERE: FileSystem = { platform: process.platform, rename };

/** Makes a folder's entries durable: a rename counts only after this. Windows has nothing like it for folders. */
export async function syncFolder(
  folder: string,
  { platform }: Pick<FileSystem, 'platform'> = HERE,
): Promise<void> {
  if (platform !== 'win32') await syncEntry(folder, 'r');
}

/** Replaces a file as a whole: after a crash it has the old content or the new one. */
export async function replaceFile(
  file: string,
  content: string,
  fileSystem: FileSystem = HERE,
): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await renameOver(temporary, file, fileSystem);
  // NTFS writes its log out with the file whose name it changed.
  if (fileSystem.platform === 'win32') await syncEntry(file, 'r+');
  await syncFolder(dirname(file), fileSystem);
}

/** A second file with the same bytes: after a crash it is whole, or not there under its name. */
export async function copyWhole(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  await copyFile(from, temporary);
  await syncEntry(temporary, 'r+');
  await renameOver(temporary, to);
  await syncFolder(dirname(to));
}

/** Takes the place of a file that is there already; on Windows it waits for whoever has one of them open. */
export async function renameOver(
  from: string,
  to: string,
  fileSystem: FileSystem = HERE,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fileSystem.rename(from, to);
    } catch (error) {
      const isInUse = fileSystem.platform === 'win32' && IN_USE.includes(codeOf(error));
      if (!isInUse || attempt >= RENAME_ATTEMPTS) throw error;
    }
    await delay(RENAME_PAUSE_MS);
  }
}

async function syncEntry(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * What is read of a file or folder that may not be there: `null` then, and only then. Every other failure, as of
 * a share that went away for a moment, must not pass for "there is none".
 */
export async function ifThere<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Bytes of a file, `null` when it is not there. */
export async function sizeIfThere(file: string): Promise<number | null> {
  return (await ifThere(stat(file)))?.size ?? null;
}
