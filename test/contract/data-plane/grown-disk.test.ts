import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const KIB = 1024;
const BLOCK_BYTES = 256 * KIB;
const WHOLE_BLOCKS = 4 * BLOCK_BYTES;

const lab = useLab({ retention: { maxPoints: 6, maxAgeHours: 24 } });

interface Grown {
  readonly replication: LabReplication;
  readonly random: Random;
}

/** Two sealed points of the smaller disk; then it grows in Azure, with writes before and after. */
async function grownInAzure(fromBytes: number, toBytes: number): Promise<Grown> {
  const random = new Random(fromBytes + toBytes);
  const source = await LabDisk.create(lab.storage, fromBytes);
  const replication = await LabReplication.open({ site: lab.site, source });
  await source.write(0, random.bytes(fromBytes));
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  // The last sector of all, so that the last block has another digest at each of the points.
  await source.write(fromBytes - 512, random.bytes(512));
  await source.change(random, 10);
  const snapshot = await source.snapshot();
  await replication.bring({ point: 'point-2', snapshot, base: 'snapshot-1' });
  await source.change(random, 5);
  await source.grow(toBytes);
  await source.write(fromBytes - 512, random.bytes(512));
  await source.change(random, 10);
  return { replication, random };
}

/** As the configuration server does it, and then the command of the control plane. */
async function growAtHome(replication: LabReplication): Promise<string | null> {
  truncateSync(replication.targetFile, replication.source.sizeBytes);
  return replication.openTarget();
}

async function expectAt(replication: LabReplication, count: number): Promise<void> {
  const held = replication.source.contentOf(`snapshot-${count}`);
  const { target } = replication;
  expect(target.subarray(0, held.length).equals(held)).toBe(true);
  expect(target.subarray(held.length).every((byte) => byte === 0)).toBe(true);
  expect((await replication.verify(`point-${count}`)).mismatches).toEqual([]);
}

const CASES = [
  ['a whole number of blocks', WHOLE_BLOCKS, 2 * WHOLE_BLOCKS],
  ['ends inside a block, and then too', WHOLE_BLOCKS + 512, 2 * WHOLE_BLOCKS + 1536],
  ['grows inside its last block', WHOLE_BLOCKS + 512, WHOLE_BLOCKS + 4096],
] as const;

describe('a disk that grew in Azure, and then at home', () => {
  it.each(CASES)('is compared as a whole, with the reason: %s', async (_name, from, to) => {
    const { replication } = await grownInAzure(from, to);
    const { source } = replication;
    const snapshot = await source.snapshot();
    expect(await growAtHome(replication)).toBe('point-2');
    const sent = await replication.bring({ point: 'point-3', snapshot, base: 'snapshot-2' });
    expect(sent).toMatchObject({
      mode: 'checksum',
      modeReason: `resynchronization: the disk grew from ${from} to ${to} bytes in Azure; what the target holds is compared`,
    });
    await expectAt(replication, 3);
  });

  it.each(CASES)('goes on with deltas, and back to any point: %s', async (_name, from, to) => {
    const { replication, random } = await grownInAzure(from, to);
    const { source } = replication;
    const grown = await source.snapshot();
    await growAtHome(replication);
    await replication.bring({ point: 'point-3', snapshot: grown, base: 'snapshot-2' });
    await source.change(random, 10);
    const snapshot = await source.snapshot();
    const sent = await replication.bring({ point: 'point-4', snapshot, base: 'snapshot-3' });
    expect(sent).toMatchObject({ mode: 'delta', modeReason: 'base snapshot-3 is trusted' });
    await expectAt(replication, 4);
    for (const count of [3, 2, 1]) {
      await replication.rewind(`point-${count}`);
      await expectAt(replication, count);
    }
  });

  it('goes back over both sizes at once, also when the program stops in between', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS + 512, 2 * WHOLE_BLOCKS);
    const snapshot = await replication.source.snapshot();
    await growAtHome(replication);
    await replication.bring({ point: 'point-3', snapshot, base: 'snapshot-2' });
    await replication.restartMasterTarget();
    await replication.rewind('point-1');
    await expectAt(replication, 1);
  });

  it('may grow twice before anything is sent of it', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS + 512, WHOLE_BLOCKS + 2048);
    const { source } = replication;
    await growAtHome(replication);
    await source.grow(2 * WHOLE_BLOCKS);
    const snapshot = await source.snapshot();
    await growAtHome(replication);
    const sent = await replication.bring({ point: 'point-3', snapshot, base: 'snapshot-2' });
    const sizes = `from ${WHOLE_BLOCKS + 512} to ${2 * WHOLE_BLOCKS} bytes`;
    expect(sent.modeReason).toContain(`the disk grew ${sizes}`);
    await expectAt(replication, 3);
    await replication.rewind('point-1');
    await expectAt(replication, 1);
  });

  it('stays at its sealed point until the larger one is sealed', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS + 512, 2 * WHOLE_BLOCKS);
    const snapshot = await replication.source.snapshot();
    await growAtHome(replication);
    await expectAt(replication, 2);
    await replication.send({ point: 'point-3', snapshot, base: 'snapshot-2' });
    expect(await replication.discard()).toBe('point-2');
    await expectAt(replication, 2);
    await replication.rewind('point-1');
    await expectAt(replication, 1);
  });
});

describe('growing that was cut off', () => {
  it.each(CASES)('before its size was noted is done again: %s', async (_name, from, to) => {
    const { replication } = await grownInAzure(from, to);
    const snapshot = await replication.source.snapshot();
    const record = replication.file('replication.json');
    const before = readFileSync(record);
    await growAtHome(replication);
    // Manifest and disk are larger, and the record does not know of it.
    writeFileSync(record, before);
    await replication.restartMasterTarget();
    await replication.openTarget();
    await expectAt(replication, 2);
    await replication.bring({ point: 'point-3', snapshot, base: 'snapshot-2' });
    await expectAt(replication, 3);
    await replication.rewind('point-1');
    await expectAt(replication, 1);
  });

  it('behind the end is the same when the command comes again', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS, 2 * WHOLE_BLOCKS);
    const record = replication.file('replication.json');
    await growAtHome(replication);
    const before = readFileSync(record, 'utf8');
    await replication.openTarget();
    expect(readFileSync(record, 'utf8')).toBe(before);
  });

  it('before the disk at home grew is refused, and nothing of the smaller one is lost', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS, 2 * WHOLE_BLOCKS);
    await expect(replication.openTarget()).rejects.toMatchObject({
      code: 'FB-JRN-005',
      values: { actualBytes: WHOLE_BLOCKS, neededBytes: 2 * WHOLE_BLOCKS },
    });
    await expectAt(replication, 2);
  });

  it('does not make believe in a block that was damaged meanwhile', async () => {
    const { replication } = await grownInAzure(WHOLE_BLOCKS + 512, 2 * WHOLE_BLOCKS);
    const bytes = replication.target;
    bytes[WHOLE_BLOCKS] = (bytes[WHOLE_BLOCKS] ?? 0) ^ 1;
    writeFileSync(replication.targetFile, bytes);
    await growAtHome(replication);
    expect((await replication.verify('point-2')).mismatches).toMatchObject([
      { offset: WHOLE_BLOCKS },
    ]);
  });
});
