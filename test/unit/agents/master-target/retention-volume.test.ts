import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadOf } from '../../../../agents/master-target/describe.ts';
import {
  ReplicationFolder,
  replicationIds,
} from '../../../../agents/master-target/replication-folder.ts';
import { RetentionVolume } from '../../../../agents/master-target/retention-volume.ts';

let root: string;
let dataFolder: string;
/** Where the volume is mounted; what stands for the volume lies beside it while it is not. */
let retentionFolder: string;
let unmounted: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'retention-volume-'));
  dataFolder = join(root, 'data');
  retentionFolder = join(root, 'retention');
  unmounted = join(root, 'unmounted');
  mkdirSync(dataFolder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The program as it starts: nothing but files is left of an earlier one. */
const aVolume = (): RetentionVolume => new RetentionVolume({ retentionFolder, dataFolder });

const reasonOf = async (volume: RetentionVolume): Promise<unknown> =>
  (await volume.fault())?.values?.['reason'] ?? 'it is there';

async function aReplication(folder = retentionFolder): Promise<void> {
  await new ReplicationFolder(folder, 'web-01').writeDisks([], true);
}

/** The mount point is what is left. */
function unmount(): void {
  renameSync(retentionFolder, unmounted);
  mkdirSync(retentionFolder);
}

function mount(): void {
  rmSync(retentionFolder, { recursive: true });
  renameSync(unmounted, retentionFolder);
}

describe('the retention volume of a new master target', () => {
  it('is whatever is there until the first replication comes', async () => {
    expect(await reasonOf(aVolume())).toBe('it is there');
    unmount();
    expect(await reasonOf(aVolume())).toBe('it is there');
    expect(readdirSync(retentionFolder)).toEqual([]);
  });

  it('is marked with the first replication, and the mark is no replication', async () => {
    await aVolume().claim();
    expect(await replicationIds(retentionFolder)).toEqual([]);
    unmount();
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
    await expect(aVolume().claim()).rejects.toMatchObject({ code: 'FB-JRN-012' });
    mount();
    expect(await reasonOf(aVolume())).toBe('it is there');
  });

  it('is marked once, also by several at the same time', async () => {
    const volume = aVolume();
    await Promise.all([volume.claim(), volume.claim(), volume.fault(), volume.claim()]);
    expect(await reasonOf(volume)).toBe('it is there');
  });
});

describe('the retention volume of a master target that had one', () => {
  it('of an earlier version is marked where its replications lie', async () => {
    await aReplication();
    expect(await reasonOf(aVolume())).toBe('it is there');
    unmount();
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
    mount();
    expect(await reasonOf(aVolume())).toBe('it is there');
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onLinux('of an earlier version is marked once there is room for it', async () => {
    await aReplication();
    const mark = join(retentionFolder, '.retention-volume');
    symlinkSync('/dev/full', `${mark}.new`);
    expect(await reasonOf(aVolume())).toBe('it is there');
    await expect(aVolume().claim()).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(existsSync(mark)).toBe(false);
    rmSync(`${mark}.new`);
    expect(await reasonOf(aVolume())).toBe('it is there');
    expect(existsSync(mark)).toBe(true);
  });

  it('of an earlier version is found when it is mounted after the start', async () => {
    await aReplication();
    unmount();
    const volume = aVolume();
    expect(await reasonOf(volume)).toBe('it is there');
    mount();
    expect(await reasonOf(volume)).toBe('it is there');
    unmount();
    expect(await reasonOf(volume)).toBe('its mark is not there');
  });

  it('is not what lies on the disk below it', async () => {
    await aVolume().claim();
    unmount();
    await aReplication();
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
  });

  it('is not another one', async () => {
    await aVolume().claim();
    renameSync(retentionFolder, unmounted);
    const other = join(root, 'other');
    mkdirSync(other);
    await new RetentionVolume({ retentionFolder, dataFolder: other }).claim();
    expect(await reasonOf(aVolume())).toBe('it is another volume');
  });

  it('is not there where its mark cannot be read', async () => {
    await aVolume().claim();
    const [mark = ''] = readdirSync(retentionFolder);
    rmSync(join(retentionFolder, mark));
    mkdirSync(join(retentionFolder, mark));
    expect(await reasonOf(aVolume())).toBe('its mark cannot be read: EISDIR');
  });

  it('is not made again on the disk of the system', async () => {
    await aVolume().claim();
    renameSync(retentionFolder, unmounted);
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
    const parts = { retentionFolder, volume: aVolume(), osType: 'Linux' } as const;
    await expect(loadOf(parts)).rejects.toMatchObject({ code: 'FB-JRN-012', isRetryable: true });
    expect(existsSync(retentionFolder)).toBe(false);
  });

  it('is taken over by a new installation', async () => {
    await aVolume().claim();
    const [mark = ''] = readdirSync(retentionFolder);
    rmSync(dataFolder, { recursive: true });
    mkdirSync(dataFolder);
    const volume = aVolume();
    expect(await reasonOf(volume)).toBe('it is there');
    rmSync(join(retentionFolder, mark));
    expect(await reasonOf(volume)).toBe('its mark is not there');
  });

  it('may be another one where the configuration names another folder', async () => {
    await aVolume().claim();
    retentionFolder = join(root, 'larger');
    const volume = aVolume();
    expect(await reasonOf(volume)).toBe('it is there');
    await volume.claim();
    expect(await reasonOf(volume)).toBe('it is there');
  });

  it('may be another one once somebody deleted what is remembered', async () => {
    await aVolume().claim();
    rmSync(retentionFolder, { recursive: true });
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
    rmSync(join(dataFolder, 'retention-volume.json'));
    expect(await reasonOf(aVolume())).toBe('it is there');
  });

  it('is marked anew where a crash left an empty mark', async () => {
    await aReplication();
    writeFileSync(join(retentionFolder, '.retention-volume'), '');
    expect(await reasonOf(aVolume())).toBe('it is there');
    unmount();
    expect(await reasonOf(aVolume())).toBe('its mark is not there');
  });
});
