import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createMasterTargetHandlers } from '../../../../agents/master-target/handlers.ts';
import { Manifest } from '../../../../agents/master-target/manifest.ts';
import {
  removeForgotten,
  ReplicationFolder,
  replicationIds,
} from '../../../../agents/master-target/replication-folder.ts';
import { ReplicationGate } from '../../../../agents/master-target/replication-gate.ts';
import { RetentionVolume } from '../../../../agents/master-target/retention-volume.ts';
import { answerTo, beginStaging, diskOf } from '../../../../agents/master-target/staging.ts';
import { type Hello, PROTOCOL_VERSION } from '../../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../../shared/domain/page-ranges.ts';
import { runCommand } from '../../../support/data-plane/command-context.ts';

const SIZE_BYTES = 2 * BLOCK_BYTES;
const hello: Hello = {
  protocolVersion: PROTOCOL_VERSION,
  attemptId: 'attempt-1',
  replicationId: 'web-01',
  pointId: 'point-1',
  diskId: 'os',
  sizeBytes: SIZE_BYTES,
  blockBytes: BLOCK_BYTES,
  snapshotName: 'snapshot-1',
};
const begin = { mode: 'full', lanes: [{ start: 0, end: SIZE_BYTES }], lane: 0 } as const;

let root: string;
let folder: ReplicationFolder;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'replication-folder-'));
  folder = new ReplicationFolder(root, 'web-01');
  const device = { kind: 'file', path: join(root, 'os.raw') } as const;
  const disk = { diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: true };
  await folder.writeDisks([disk], true);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The file is there and cannot be read, as on a share that goes away for a moment. */
function makeUnreadable(name: string): void {
  rmSync(join(folder.folder, name), { force: true });
  symlinkSync(name, join(folder.folder, name));
}

describe('a retention volume that cannot be read for a moment', () => {
  it('never makes the disks of a sealed point pass for disks that were never sealed', async () => {
    const disk = await diskOf(folder, hello);
    makeUnreadable('journal.json');
    const unreadable = { code: 'ELOOP' };
    await expect(answerTo(folder, hello, disk)).rejects.toMatchObject(unreadable);
    const beginning = beginStaging(folder, {
      hello,
      disk,
      begin: { ...begin, lanes: [...begin.lanes] },
    });
    await expect(beginning).rejects.toMatchObject(unreadable);
  });

  it('is not taken for a replication that is not there', async () => {
    makeUnreadable('replication.json');
    await expect(folder.exists()).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(diskOf(folder, hello)).rejects.toMatchObject({ code: 'ELOOP' });
  });
});

describe('forgetting a replication', () => {
  it('is done again where a crash left half of its files', async () => {
    writeFileSync(folder.manifestFile('os'), 'digests of a disk that is no more');
    rmSync(join(folder.folder, 'replication.json'));
    const handlers = createMasterTargetHandlers({
      retentionFolder: root,
      dataFolder: root,
      volume: new RetentionVolume({ retentionFolder: root, dataFolder: root }),
      retention: { maxPoints: 3, maxAgeHours: 24 },
      osType: 'Linux',
      gate: new ReplicationGate(),
      transferAddress: { host: '127.0.0.1', port: 1 },
      prepareScript: '',
    });
    const input = { replicationId: 'web-01', forget: true };
    expect(await runCommand(handlers, 'closeTarget', input)).toEqual({ wasOpen: false });
    expect(readdirSync(root)).toEqual([]);
  });

  it('is ended at the start of the program, and what is left counts as no replication', async () => {
    mkdirSync(join(root, '.gone-web-02/points/point-1'), { recursive: true });
    expect(await replicationIds(root)).toEqual(['web-01']);
    await removeForgotten(root);
    expect(readdirSync(root)).toEqual(['web-01']);
  });
});

describe('the first point of a blank disk', () => {
  it('begins without the digests of another disk', async () => {
    writeFileSync(folder.manifestFile('os'), Buffer.alloc(64, 7));
    const disk = await diskOf(folder, hello);
    const request = { hello, disk, begin: { ...begin, lanes: [...begin.lanes] } };
    await beginStaging(folder, request);
    expect(existsSync(folder.manifestFile('os'))).toBe(false);
    // What was received of the point since then stays.
    writeFileSync(folder.manifestFile('os'), Buffer.alloc(64, 8));
    await beginStaging(folder, { ...request, begin: { ...request.begin, mode: 'checksum' } });
    expect(existsSync(folder.manifestFile('os'))).toBe(true);
  });
});

describe('a manifest', () => {
  it.each([
    ['is shorter than its disk', Buffer.alloc(32), 'zeros', 0xff],
    ['is longer than its disk', Buffer.alloc(96), 'zeros', 0xff],
    ['is empty and must have been there', Buffer.alloc(0), 'unknown', 0xff],
    ['is new', Buffer.alloc(0), 'zeros', 0],
    ['is whole', Buffer.alloc(64, 5), 'unknown', 5],
  ] as const)('that %s vouches for no block wrongly', async (_name, content, missing, fill) => {
    const file = folder.manifestFile('os');
    writeFileSync(file, content);
    await (await Manifest.open(file, SIZE_BYTES, missing)).close();
    expect(readFileSync(file).equals(Buffer.alloc(64, fill))).toBe(true);
  });
});
