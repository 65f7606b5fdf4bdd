import { describe, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import type { ReplicationMode } from '../../../shared/contracts/commands.ts';
import { FRAME, type TransferFrame } from '../../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { aDataFrame, RawPeer, type Refusal } from '../../support/data-plane/raw-peer.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const BLOCKS = 4;
const SIZE_BYTES = BLOCKS * BLOCK_BYTES;

const lab = useLab();

const aReplication = async (options: { readonly staleBytes?: Buffer }): Promise<LabReplication> => {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(1).bytes(SIZE_BYTES));
  return LabReplication.open({ site: lab.site, source, ...options });
};
const blank = async (): Promise<LabReplication> => aReplication({});
const stale = async (): Promise<LabReplication> =>
  aReplication({ staleBytes: new Random(2).bytes(SIZE_BYTES) });
const sealed = async (): Promise<LabReplication> => {
  const replication = await blank();
  await replication.bring({ point: 'point-0', snapshot: await replication.source.snapshot() });
  return replication;
};

/** What the master target says to these frames, numbered in their order, and the end of the lane. */
async function refusalOf(
  replication: LabReplication,
  frames: readonly TransferFrame[],
  { mode = 'full' }: { readonly mode?: ReplicationMode } = {},
): Promise<Refusal | null> {
  const { replicationId, masterTarget } = replication;
  const peer = await RawPeer.connect(
    masterTarget.port,
    await lab.site.certificate('processServer'),
  );
  try {
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES });
    await peer.answer();
    await peer.begin(mode, SIZE_BYTES);
    const all = [...frames, { type: FRAME.finish, sequence: 0 } as const];
    await peer.frames(...all.map((frame, sequence) => ({ ...frame, sequence })));
    return await peer.refusal();
  } finally {
    peer.close();
  }
}

const data = (block: number): TransferFrame => aDataFrame(block, block * BLOCK_BYTES);
const zeros = (block: number, count: number): TransferFrame => {
  const [offset, length] = [block * BLOCK_BYTES, count * BLOCK_BYTES];
  return { type: FRAME.zero, sequence: 0, offset, length };
};
const same = (block: number): TransferFrame => {
  const digest = Buffer.alloc(32, 1);
  return { type: FRAME.same, sequence: 0, block, digest };
};
const mark = (block: number): TransferFrame => {
  const offset = block * BLOCK_BYTES;
  return { type: FRAME.checkpoint, sequence: 0, offset };
};

const GAPS: readonly (readonly [string, readonly TransferFrame[]])[] = [
  ['brings nothing', []],
  ['does not begin at the front', [data(1), zeros(2, 2)]],
  ['leaves something out', [data(0), same(1), data(3)]],
  ['leaves something out before zeros', [data(0), zeros(2, 2)]],
  ['leaves something out before a block that is the same', [data(0), same(2), data(3)]],
  ['ends early', [data(0), zeros(1, 2)]],
  ['says that more came than did', [data(0), mark(2), zeros(2, 2)]],
];
const GAP = {
  code: 'FB-DATA-006',
  message: expect.stringContaining('a gap in a transfer of the whole disk'),
};
const MODES = ['full', 'checksum'] as const;

describe('a transfer of a whole disk that holds something', () => {
  it.each(GAPS.flatMap(([what, frames]) => MODES.map((mode) => [mode, what, frames] as const)))(
    'is refused in the mode %s when it %s',
    async (mode, _what, frames) => {
      for (const replication of [await stale(), await sealed()]) {
        expect(await refusalOf(replication, frames, { mode })).toMatchObject(GAP);
        await expect(replication.seal('point-1')).rejects.toMatchObject({ code: 'FB-JRN-002' });
      }
    },
  );

  it.each(MODES)('is taken in the mode %s when it leaves nothing out', async (mode) => {
    const replication = await sealed();
    const whole = [data(0), mark(1), same(1), mark(2), zeros(2, 2), mark(4)];
    expect(await refusalOf(replication, whole, { mode })).toBeNull();
  });

  it('is taken up where it was durable', async () => {
    const replication = await stale();
    const folder = new ReplicationFolder(lab.site.retentionFolder, replication.replicationId);
    await refusalOf(replication, []);
    await folder.writeStagedLane('os', 0, {
      watermark: BLOCK_BYTES,
      redoLength: 0,
      isFinished: false,
    });
    expect(await refusalOf(replication, [data(2), zeros(3, 1)])).toMatchObject(GAP);
    expect(await refusalOf(replication, [data(1), zeros(2, 2)])).toBeNull();
    await replication.seal('point-1');
  });
});

describe('a transfer that may leave something out', () => {
  it.each([
    ['is a delta', sealed, 'delta'],
    ['is of a disk that was just made', blank, 'full'],
  ] as const)('%s', async (_what, open, mode) => {
    expect(await refusalOf(await open(), [data(1), mark(3)], { mode })).toBeNull();
  });
});

describe('a block that is said to be the same', () => {
  it.each([blank, stale, sealed])('is none that lies behind the end of the disk', async (open) => {
    expect(await refusalOf(await open(), [same(BLOCKS)])).toMatchObject({
      message: expect.stringContaining('an empty range'),
    });
    const lane = [zeros(0, BLOCKS), same(BLOCKS + 40)];
    expect(await refusalOf(await open(), lane)).toMatchObject({
      message: expect.stringContaining('an empty range'),
    });
  });
});
