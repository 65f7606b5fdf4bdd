import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and the missing ones above it, one by one: the recursive form of Node never returns where
 * the file system refuses to make any, as below /proc. Throws when a file is in the way.
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let each = folder; ; each = dirname(each)) {
    const found = statSync(each, { throwIfNoEntry: false });
    if (found?.isDirectory() === true) break;
    if (found !== undefined) throw new Error(`${each} is a file.`);
    missing.push(each);
  }
  for (const each of missing.toReversed()) mkdirSync(each);
}
