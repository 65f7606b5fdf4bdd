import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  renameOver,
  replaceFile,
  syncFolder,
} from '../../../../agents/master-target/durable-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'durable-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A rename that is refused so often before it is done. */
function refusing(times: number, code: string): { rename: typeof renameIt; calls: number } {
  const state = {
    calls: 0,
    rename: async (from: string, to: string): Promise<void> => {
      state.calls += 1;
      if (state.calls <= times) throw Object.assign(new Error(code), { code });
      await renameIt(from, to);
    },
  };
  return state;
}
const renameIt = async (from: string, to: string): Promise<void> => rename(from, to);

describe('a file that is replaced', () => {
  it.each(['linux', 'win32'] as const)('has the new content on %s', async (platform) => {
    const file = join(folder, 'journal.json');
    writeFileSync(file, 'old');
    await replaceFile(file, 'new', { platform, rename: renameIt });
    expect(readFileSync(file, 'utf8')).toBe('new');
  });

  it.each(['EPERM', 'EACCES', 'EBUSY'])(
    'waits on Windows while a rename ends with %s',
    async (code) => {
      const file = join(folder, 'journal.json');
      const refused = refusing(3, code);
      await replaceFile(file, 'new', { platform: 'win32', rename: refused.rename });
      expect(refused.calls).toBe(4);
      expect(readFileSync(file, 'utf8')).toBe('new');
    },
  );

  it.each([
    ['win32', 'ENOSPC', 1],
    ['linux', 'EPERM', 1],
    ['win32', 'EPERM', 40],
  ] as const)('is not waited for without end: on %s after %s', async (platform, code, calls) => {
    const refused = refusing(Number.MAX_SAFE_INTEGER, code);
    await expect(
      renameOver(join(folder, 'a'), join(folder, 'b'), { platform, rename: refused.rename }),
    ).rejects.toMatchObject({ code });
    expect(refused.calls).toBe(calls);
  });
});

describe('the entries of a folder', () => {
  it('are left to Windows itself, which lets nobody make folders durable', async () => {
    const missing = join(folder, 'missing');
    await expect(syncFolder(missing, { platform: 'linux' })).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(syncFolder(missing, { platform: 'win32' })).resolves.toBeUndefined();
  });
});
