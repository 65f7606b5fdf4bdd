import { win32 } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isOnVolumeOfItsOwn } from '../../../../agents/master-target/separate-volume.ts';

/** Windows gives every folder the serial number of its volume. */
const windows = {
  isWindows: true,
  systemDrive: 'C:',
  volumeOf: (folder: string): number => {
    if (folder.startsWith('C:\\mounted\\')) return 77;
    return win32.parse(folder).root.charCodeAt(0);
  },
};

/** Only the mount points themselves have another number than their parents. */
const linux = {
  isWindows: false,
  systemDrive: '',
  volumeOf: (folder: string): number => (folder.startsWith('/mnt/retention') ? 2 : 1),
};

describe('the volume of the retention folder', () => {
  it.each([
    ['the root of a drive', 'R:\\', true],
    ['a folder on a drive of its own', 'R:\\retention', true],
    ['a volume that is mounted in a folder of the system drive', 'C:\\mounted\\retention', true],
    ['a folder on the system drive', 'C:\\retention', false],
    ['a folder on the drive of our data', 'D:\\retention', false],
  ])('on Windows may be %s: %s %s', (_name, folder, isSeparate) => {
    expect(isOnVolumeOfItsOwn(folder, 'D:\\data', windows)).toBe(isSeparate);
  });

  it.each([
    ['is a mount point', '/mnt/retention', true],
    ['is a folder below one', '/mnt/retention/journal', false],
    ['is a folder of the system', '/var/lib/retention', false],
  ])('on Linux %s: %s %s', (_name, folder, isSeparate) => {
    expect(isOnVolumeOfItsOwn(folder, '/var/lib/data', linux)).toBe(isSeparate);
  });

  it('is not of its own where a folder lies beside the data on this machine', () => {
    const here = import.meta.dirname ?? __dirname;
    expect(isOnVolumeOfItsOwn(here, here)).toBe(false);
  });
});
