import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as Files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import type * as Timers from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import { expect, it, jest } from '@jest/globals';
import type * as SessionModule from '../../../../agents/master-target/session.ts';
import type * as DiskModule from '../../../../agents/master-target/target-disk.ts';
import { FrameStream } from '../../../../agents/runtime/frame-stream.ts';
import { encodeJson } from '../../../../shared/contracts/transfer-codec.ts';
import { FRAME, PROTOCOL_VERSION } from '../../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../../shared/domain/page-ranges.ts';
import {
  aCommandContext,
  type FakeContext,
  loggerInto,
  runCommand,
} from '../../../support/data-plane/command-context.ts';
import { Random } from '../../../support/data-plane/random.ts';
import { type JournalCode, loadJournalCode } from '../../../support/power-cut/journal-code.ts';
import { handlersOf, type Machine, machineAt } from '../../../support/power-cut/machine.ts';
import {
  comparison,
  REPLICATION_ID,
  send,
  type Transfer,
} from '../../../support/power-cut/transfer.ts';

const SIZE_BYTES = 2 * BLOCK_BYTES + 1536;
const QUARTER_HOUR_MS = 15 * 60_000;
const CODES = ['EIO', 'ENXIO', 'EROFS', 'ETIMEDOUT', 'EREMOTEIO'] as const;

type Operation = 'open' | 'read' | 'write' | 'datasync';

/** What fails next: so many operations of a kind on files whose path fits. */
const NONE = { path: /^$/, operation: 'read' as Operation, reason: 'EIO', times: 0 };
const fault = { ...NONE };

let real: typeof Files;
let code: JournalCode;
let TargetDisk: typeof DiskModule.TargetDisk;
let serveConnection: typeof SessionModule.serveConnection;
let now = Date.now();
let root: string;
let file: string;

function failIfMeant(path: string, operation: Operation): void {
  if (fault.times === 0 || fault.operation !== operation || !fault.path.test(path)) return;
  fault.times -= 1;
  const syscall = operation === 'datasync' ? 'fdatasync' : operation;
  throw Object.assign(new Error(fault.reason), { code: fault.reason, syscall });
}

/** A sync that fails loses what was written since the last good one, on the disk and, to be seen at once, here. */
async function opened(path: string, flags: string | number): Promise<Files.FileHandle> {
  failIfMeant(path, 'open');
  const handle = await real.open(path, flags);
  let { size: durableBytes } = await handle.stat();
  const read = handle.read.bind(handle);
  const write = handle.write.bind(handle);
  const datasync = handle.datasync.bind(handle);
  const loseUnsynced = async (): Promise<void> => {
    const length = (await handle.stat()).size - durableBytes;
    await write(Buffer.alloc(length), 0, length, durableBytes);
  };
  return Object.assign(handle, {
    read: async (bytes: Buffer, at: number, length: number, offset: number) => {
      failIfMeant(path, 'read');
      return read(bytes, at, length, offset);
    },
    write: async (bytes: Buffer, at: number, length: number, offset: number) => {
      failIfMeant(path, 'write');
      return write(bytes, at, length, offset);
    },
    datasync: async () => {
      try {
        failIfMeant(path, 'datasync');
      } catch (error) {
        if (path.endsWith('.redo')) await loseUnsynced();
        throw error;
      }
      await datasync();
      durableBytes = (await handle.stat()).size;
    },
  });
}

beforeAll(async () => {
  real = jest.requireActual<typeof Files>('node:fs/promises');
  jest.doMock('node:fs/promises', () => ({ ...real, open: opened }));
  jest.doMock('node:timers/promises', () => ({
    ...jest.requireActual<typeof Timers>('node:timers/promises'),
    setTimeout: async (pauseMs: number) => void (now += pauseMs),
  }));
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  // Loaded only now, so that they get the files and the pauses above.
  code = await loadJournalCode();
  ({ TargetDisk } = await import('../../../../agents/master-target/target-disk.ts'));
  ({ serveConnection } = await import('../../../../agents/master-target/session.ts'));
});
afterAll(() => {
  jest.restoreAllMocks();
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'failing-storage-'));
  file = join(root, 'data.raw');
  writeFileSync(file, new Random(1).bytes(SIZE_BYTES));
  Object.assign(fault, NONE);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const device = (): { kind: 'file'; path: string } => ({ kind: 'file', path: file });

async function aDisk(): Promise<DiskModule.TargetDisk> {
  return TargetDisk.open('data', device(), { sizeBytes: SIZE_BYTES, isReadOnly: false });
}

describe('a target disk whose storage fails', () => {
  const atDisk = (operation: string, reason: string): object => ({
    code: 'FB-JRN-015',
    isRetryable: true,
    values: { place: `the disk data (${file})`, operation, reason },
  });

  it.each(CODES)('says which disk it is and what it was asked to do: %s', async (reason) => {
    const disk = await aDisk();
    Object.assign(fault, { path: /data\.raw$/, reason, times: 1, operation: 'write' });
    const large = Buffer.alloc(BLOCK_BYTES);
    await expect(disk.write(0, large)).rejects.toMatchObject(atDisk('write', reason));
    Object.assign(fault, { times: 1 });
    await expect(disk.write(512, Buffer.alloc(512))).rejects.toMatchObject(atDisk('write', reason));
    Object.assign(fault, { times: 1, operation: 'read' });
    await expect(disk.read(0, 4096)).rejects.toMatchObject(atDisk('read', reason));
    Object.assign(fault, { times: 1, operation: 'datasync' });
    await expect(disk.sync()).rejects.toMatchObject(atDisk('sync', reason));
    await disk.close();
    Object.assign(fault, { times: 1, operation: 'open' });
    await expect(aDisk()).rejects.toMatchObject(atDisk('open', reason));
    expect(fault.times).toBe(0);
  });

  it('leaves every other error as it is', async () => {
    const disk = await aDisk();
    Object.assign(fault, { path: /data\.raw$/, reason: 'EBADF', times: 1, operation: 'datasync' });
    await expect(disk.sync()).rejects.toMatchObject({ code: 'EBADF' });
    await disk.close();
  });
});

async function aMachine(): Promise<Machine> {
  const machine = machineAt(code, root);
  const disk = { diskId: 'data', sizeBytes: SIZE_BYTES, device: device(), isBlank: false };
  await machine.folder.writeDisks([disk], true);
  return machine;
}

function transferOf(index: number): Transfer {
  const next = new Random(10 + index).bytes(SIZE_BYTES);
  const point = { pointId: `point-${index}`, contents: new Map([['data', next]]) };
  return { point, disks: [comparison('data', next)] };
}

async function seal(
  machine: Machine,
  { point }: Transfer,
  context: FakeContext = aCommandContext(),
): Promise<unknown> {
  const input = {
    replicationId: REPLICATION_ID,
    pointId: point.pointId,
    diskIds: ['data'],
    takenAt: new Date(0).toISOString(),
    consistency: 'crashConsistent',
  } as const;
  return runCommand(
    handlersOf(machine),
    'sealRecoveryPoint',
    { ...input, diskIds: ['data'] },
    context,
  );
}

/** Sealed at point-0, and all of point-1 on its way. */
async function sealedOnce(): Promise<{ machine: Machine; next: Transfer }> {
  const machine = await aMachine();
  await send(code, machine.folder, transferOf(0));
  await seal(machine, transferOf(0));
  return { machine, next: transferOf(1) };
}

const expectAtPoint = (of: Transfer): void =>
  expect(readFileSync(file).equals(of.point.contents.get('data') ?? Buffer.alloc(0))).toBe(true);

describe('a retention volume whose storage fails', () => {
  const atVolume = (operation: string): object => ({
    code: 'FB-JRN-015',
    values: {
      place: `the retention volume (${join(root, 'retention')})`,
      operation,
      reason: 'EIO',
    },
  });

  it.each([
    ['the new digests', /\.next$/, 'datasync', 'fdatasync'],
    ['the way back', /\.undo$/, 'write', 'write'],
    ['the digests of the disk', /manifests.data\.bin$/, 'datasync', 'fdatasync'],
  ] as const)(
    'at %s holds the seal up, which is done again',
    async (_name, path, operation, shown) => {
      const { machine, next } = await sealedOnce();
      await send(code, machine.folder, next);
      Object.assign(fault, { path, operation, times: 2 });
      const context = aCommandContext();
      await seal(machine, next, context);
      expect(fault.times).toBe(0);
      const health = context.progress.flatMap((each) => each.health ?? []);
      expect(health).toEqual([1, 2].map(() => expect.objectContaining(atVolume(shown))));
      expectAtPoint(next);
    },
  );

  it('for a quarter of an hour ends the command, and the next one brings the disk there', async () => {
    const { machine, next } = await sealedOnce();
    await send(code, machine.folder, next);
    Object.assign(fault, { path: /data\.raw$/, operation: 'write', times: Infinity });
    const startedAt = now;
    const context = { ...aCommandContext(), deadlineAtMs: now + 4 * QUARTER_HOUR_MS };
    await expect(seal(machine, next, context)).rejects.toMatchObject({ code: 'FB-JRN-015' });
    expect(now - startedAt).toBeGreaterThanOrEqual(QUARTER_HOUR_MS);
    Object.assign(fault, NONE);
    await seal(machine, next);
    expectAtPoint(next);
  });

  it('until the time of the command runs out is named before that', async () => {
    const { machine, next } = await sealedOnce();
    await send(code, machine.folder, next);
    Object.assign(fault, { path: /\.next$/, operation: 'write', times: Infinity });
    const context = { ...aCommandContext(), deadlineAtMs: now + QUARTER_HOUR_MS / 3 };
    await expect(seal(machine, next, context)).rejects.toMatchObject({ code: 'FB-JRN-015' });
    expect(now).toBeLessThan(context.deadlineAtMs);
  });

  it('while changes come in is believed nothing of since the last good sync', async () => {
    const { machine, next } = await sealedOnce();
    Object.assign(fault, { path: /\.redo$/, operation: 'datasync', times: 1 });
    await expect(send(code, machine.folder, next)).rejects.toMatchObject({ code: 'EIO' });
    expect(await machine.folder.stagedLane('data', 0, 0)).toMatchObject({ watermark: 0 });
    await send(code, machine.folder, next);
    await seal(machine, next);
    expectAtPoint(next);
  });

  it('is named to the process server, which tries again', async () => {
    const machine = await aMachine();
    const [ours, theirs] = duplexPair();
    const hello = {
      protocolVersion: PROTOCOL_VERSION,
      attemptId: 'attempt-1',
      replicationId: REPLICATION_ID,
      pointId: 'point-0',
      diskId: 'data',
      sizeBytes: SIZE_BYTES,
      blockBytes: BLOCK_BYTES,
      snapshotName: 'snapshot-0',
    };
    const peer = new FrameStream(theirs);
    const serving = serveConnection(ours, {
      folderOf: () => machine.folder,
      gate: new code.ReplicationGate(),
      retention: { maxPoints: 3, maxAgeHours: 24 },
      volume: { expectThere: async () => undefined },
      log: loggerInto([]),
    });
    await peer.send(encodeJson(FRAME.hello, hello));
    await peer.receive();
    Object.assign(fault, {
      path: /staged.data\.json/,
      operation: 'open',
      times: 1,
      reason: 'EROFS',
    });
    const begin = { mode: 'full', lanes: [{ start: 0, end: SIZE_BYTES }], lane: 0 };
    await peer.send(encodeJson(FRAME.begin, begin));
    const refusal = await peer.receive();
    peer.close();
    await serving;
    const error = { code: 'FB-JRN-015', isRetryable: true, values: { reason: 'EROFS' } };
    expect(refusal).toMatchObject({ type: FRAME.refusal, json: { error } });
  });
});
