import { describe, expect, it } from '@jest/globals';
import { windowsDisk } from '../../../../agents/master-target/windows-disks.ts';

const UUID = '6000C29a-1122-3344-5566-778899aabbcc';
const UNIQUE_ID = '6000C29A112233445566778899AABBCC';
const OWN = {
  Number: 0,
  UniqueId: '6000C290000000000000000000000001',
  Size: 64 * 1024 ** 3,
  LogicalSectorSize: 512,
  IsOffline: false,
  IsReadOnly: false,
  IsBoot: true,
  IsSystem: true,
};
const ADDED = {
  ...OWN,
  Number: 3,
  UniqueId: UNIQUE_ID,
  Size: 1024 ** 3,
  IsOffline: true,
  IsBoot: false,
  IsSystem: false,
};
type Disk = Omit<typeof OWN, 'UniqueId' | 'LogicalSectorSize'> & {
  readonly UniqueId: string | null;
  readonly LogicalSectorSize: number | null;
};

/** A Windows whose disks are these; what is run on it changes them as it would there. */
class Windows {
  disks: readonly Disk[];
  readonly scripts: string[] = [];
  readonly #onRun: (script: string, windows: Windows) => void;

  constructor(disks: readonly Disk[], onRun: (script: string, windows: Windows) => void = setDisk) {
    this.disks = disks;
    this.#onRun = onRun;
  }

  readonly surroundings = {
    run: async (script: string): Promise<string> => {
      this.scripts.push(script);
      if (script.includes('Get-Disk')) return `\uFEFF${JSON.stringify(this.disks)}\r\n`;
      this.#onRun(script, this);
      return '';
    },
    appearMs: 200,
    lookMs: 5,
  };
}

function setDisk(script: string, windows: Windows): void {
  const number = Number(/Set-Disk -Number (\d+) -IsOffline \$true/.exec(script)?.[1]);
  windows.disks = windows.disks.map((disk) =>
    disk.Number === number ? { ...disk, IsOffline: true, IsReadOnly: false } : disk,
  );
}

const found = async (windows: Windows): ReturnType<typeof windowsDisk> =>
  windowsDisk(UUID, windows.surroundings);

describe('a disk that was hot-added to a Windows master target', () => {
  it.each([UNIQUE_ID, UNIQUE_ID.toLowerCase(), `naa.${UNIQUE_ID}`, `eui.${UNIQUE_ID}`])(
    'is found by the unique id %s, with its size, and nothing is changed',
    async (UniqueId) => {
      const windows = new Windows([OWN, { ...ADDED, UniqueId }]);
      expect(await found(windows)).toEqual({
        path: String.raw`\\.\PhysicalDrive3`,
        sizeBytes: 1024 ** 3,
      });
      expect(windows.scripts).toHaveLength(1);
    },
  );

  it.each([
    ['online', { IsOffline: false }],
    ['read-only', { IsReadOnly: true }],
    ['both', { IsOffline: false, IsReadOnly: true }],
  ])(
    'is taken offline and made writable when it is %s, and only that one',
    async (_what, state) => {
      const windows = new Windows([OWN, { ...ADDED, ...state }]);
      expect(await found(windows)).toMatchObject({ path: String.raw`\\.\PhysicalDrive3` });
      expect(windows.disks).toEqual([OWN, ADDED]);
      expect(windows.scripts.filter((script) => script.includes('Set-Disk'))).toEqual([
        'Set-Disk -Number 3 -IsOffline $true; Set-Disk -Number 3 -IsReadOnly $false',
      ]);
    },
  );

  it('is looked for on all buses when it does not show up by itself', async () => {
    const windows = new Windows([OWN], (script, { surroundings: _same }) => {
      expect(script).toBe('Update-HostStorageCache');
      setTimeout(() => {
        windows.disks = [OWN, ADDED];
      }, 30);
    });
    expect(await found(windows)).toMatchObject({ sizeBytes: 1024 ** 3 });
  });

  it('is missed when no disk has its unique id, or none has any', async () => {
    const alike = { ...ADDED, UniqueId: `${UNIQUE_ID.slice(0, -1)}D` };
    expect(
      await found(new Windows([OWN, alike, { ...ADDED, UniqueId: null }], () => {})),
    ).toBeNull();
  });

  it.each<[string, Partial<Disk>, string]>([
    ['Windows booted from it', { IsBoot: true }, 'Windows itself runs from it'],
    ['Windows has its boot files on it', { IsSystem: true }, 'Windows itself runs from it'],
    [
      'its sectors are larger than what travels',
      { LogicalSectorSize: 4096 },
      'its sectors have 4096 bytes, not 512',
    ],
  ])('is refused and left as it is when %s', async (_what, state, reason) => {
    const windows = new Windows([{ ...ADDED, IsOffline: false, ...state }]);
    await expect(found(windows)).rejects.toMatchObject({
      code: 'FB-JRN-010',
      values: { device: 'PhysicalDrive3', reason },
    });
    expect(windows.scripts).toHaveLength(1);
  });

  it.each<[string, () => void, string]>([
    ['comes online again', () => {}, 'it does not stay offline and writable'],
    [
      'cannot be taken offline',
      () => {
        throw new Error('Set-Disk : Access denied');
      },
      'it cannot be taken offline',
    ],
  ])('is refused when it %s', async (_what, onRun, reason) => {
    const windows = new Windows([{ ...ADDED, IsOffline: false }], onRun);
    await expect(found(windows)).rejects.toMatchObject({ code: 'FB-JRN-010', values: { reason } });
  });

  it('is not guessed at when the answer is of another form', async () => {
    const surroundings = { run: async () => '{"Number":3}', appearMs: 0, lookMs: 1 };
    await expect(windowsDisk(UUID, surroundings)).rejects.toThrow();
  });
});
