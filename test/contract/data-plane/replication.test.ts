import { closeSync, openSync, writeSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import { buildVhdFooter } from '../../../shared/domain/vhd-footer.ts';
import { aCommandContext } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { must } from '../../support/must.ts';

const MIB = 1024 * 1024;
/** More than one unit, and an end inside a block. */
const SIZE_BYTES = 9 * MIB + 7 * 512;

const lab = useLab();

async function aSource(seed: number, changes = 12): Promise<LabDisk> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.change(new Random(seed), changes);
  return source;
}

/** A replication that stands at point-1, made from the first snapshot. */
async function aSealedReplication(seed: number): Promise<LabReplication> {
  const replication = await LabReplication.open({ site: lab.site, source: await aSource(seed) });
  await replication.bring({ point: 'point-1', snapshot: await replication.source.snapshot() });
  return replication;
}

async function expectEqual(
  replication: LabReplication,
  point: string,
  snapshot: string,
): Promise<void> {
  expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
  const { mismatches, blocksCompared, bytesCompared } = await replication.verify(point);
  expect(mismatches).toEqual([]);
  expect(blocksCompared).toBe(Math.ceil(SIZE_BYTES / BLOCK_BYTES));
  expect(bytesCompared).toBe(SIZE_BYTES);
}

describe('bringing a disk home', () => {
  it.each([1, 2, 3])('ends byte for byte equal after a full copy and deltas (%i)', async (seed) => {
    const random = new Random(seed * 100);
    const replication = await LabReplication.open({ site: lab.site, source: await aSource(seed) });
    const { source } = replication;
    let base = await source.snapshot();
    const first = await replication.bring({ point: 'point-0', snapshot: base });
    expect(first).toMatchObject({ mode: 'full' });
    expect(first.modeReason).toBe('initial replication; the target is empty');
    await expectEqual(replication, 'point-0', base);
    for (let round = 1; round <= 4; round += 1) {
      await source.change(random, 1 + random.below(8));
      const snapshot = await source.snapshot();
      const point = `point-${round}`;
      const delta = await replication.bring({ point, snapshot, base });
      expect(delta).toMatchObject({ mode: 'delta', modeReason: `base ${base} is trusted` });
      await expectEqual(replication, point, snapshot);
      base = snapshot;
    }
  });

  it('writes what was cleared as zeros', async () => {
    const replication = await aSealedReplication(4);
    const { source } = replication;
    await source.write(0, new Random(5).bytes(SIZE_BYTES));
    const full = await source.snapshot();
    await replication.bring({ point: 'point-2', snapshot: full, base: 'snapshot-1' });
    await source.clear(512, 3 * BLOCK_BYTES);
    await source.clear(SIZE_BYTES - 1024, 1024);
    const cleared = await source.snapshot();
    const delta = await replication.bring({ point: 'point-3', snapshot: cleared, base: full });
    expect(delta).toMatchObject({
      changedBytes: 3 * BLOCK_BYTES + 1024,
      zeroBytes: 3 * BLOCK_BYTES + 1024,
      sentBytes: 0,
    });
    await expectEqual(replication, 'point-3', cleared);
  });

  it('sends nothing when nothing changed', async () => {
    const replication = await aSealedReplication(6);
    const snapshot = await replication.source.snapshot();
    const delta = await replication.bring({ point: 'point-2', snapshot, base: 'snapshot-1' });
    expect(delta).toMatchObject({ mode: 'delta', changedBytes: 0, sentBytes: 0, wireBytes: 0 });
    await expectEqual(replication, 'point-2', snapshot);
  });

  it.each(['full', 'checksum'] as const)(
    'overwrites what lay on a disk that was not blank (%s)',
    async (mode) => {
      const source = await aSource(7);
      const staleBytes = new Random(70).bytes(SIZE_BYTES);
      const replication = await LabReplication.open({ site: lab.site, source, staleBytes });
      const snapshot = await source.snapshot();
      await replication.bring({ point: 'point-1', snapshot, mode });
      await expectEqual(replication, 'point-1', snapshot);
    },
  );

  it('moves only blocks that differ when both sides are compared', async () => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(71).bytes(SIZE_BYTES));
    const staleBytes = Buffer.from(source.content);
    await source.write(BLOCK_BYTES + 512, new Random(72).bytes(512));
    await source.clear(3 * BLOCK_BYTES, 2 * BLOCK_BYTES);
    const replication = await LabReplication.open({ site: lab.site, source, staleBytes });
    const snapshot = await source.snapshot();
    const figures = await replication.bring({ point: 'point-1', snapshot });
    expect(figures).toMatchObject({
      mode: 'checksum',
      changedBytes: 3 * BLOCK_BYTES,
      zeroBytes: 2 * BLOCK_BYTES,
      sentBytes: BLOCK_BYTES,
    });
    await expectEqual(replication, 'point-1', snapshot);
  });

  it('does not trust what an earlier point left on a disk that was blank', async () => {
    const source = await aSource(73);
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.send({ point: 'point-1', snapshot: await source.snapshot() });
    await replication.discard();
    await source.clear(0, SIZE_BYTES);
    await source.write(0, new Random(74).bytes(512));
    const snapshot = await source.snapshot();
    const figures = await replication.bring({ point: 'point-2', snapshot });
    expect(figures.mode).toBe('checksum');
    await expectEqual(replication, 'point-2', snapshot);
  });

  it('reports progress that only grows and ends at the whole', async () => {
    const replication = await LabReplication.open({ site: lab.site, source: await aSource(8) });
    const snapshot = await replication.source.snapshot();
    const context = aCommandContext(() => replication.source.access(snapshot));
    await replication.send({ point: 'point-1', snapshot, context });
    const done = context.progress.map(({ bytesDone }) => bytesDone);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(context.progress.at(-1)).toMatchObject({
      step: 'sending',
      bytesDone: must(context.progress[0], 'a first progress').bytesTotal,
    });
  });
});

describe('the proof of a disk', () => {
  it('finds a single byte that was flipped', async () => {
    const replication = await aSealedReplication(9);
    const at = 5 * MIB + 4711;
    const file = openSync(replication.targetFile, 'r+');
    writeSync(file, Buffer.of(must(replication.target[at], 'a byte at this place') ^ 1), 0, 1, at);
    closeSync(file);
    const { mismatches } = await replication.verify('point-1');
    const offset = Math.floor(at / BLOCK_BYTES) * BLOCK_BYTES;
    expect(mismatches).toEqual([{ diskId: 'os', offset, length: BLOCK_BYTES }]);
  });

  it('finds a byte in the short block at the end', async () => {
    const replication = await aSealedReplication(10);
    const at = SIZE_BYTES - 1;
    const file = openSync(replication.targetFile, 'r+');
    writeSync(file, Buffer.of(must(replication.target[at], 'a byte at this place') ^ 1), 0, 1, at);
    closeSync(file);
    const { mismatches } = await replication.verify('point-1');
    expect(mismatches).toEqual([{ diskId: 'os', offset: 9 * MIB, length: 7 * 512 }]);
  });

  it('is refused for a point that was not sealed', async () => {
    const replication = await aSealedReplication(11);
    await expect(replication.verify('point-2')).rejects.toMatchObject({ code: 'FB-JRN-006' });
  });
});

describe('a base that cannot be used', () => {
  it('leads to a comparison when its snapshot was deleted in Azure', async () => {
    const replication = await aSealedReplication(12);
    const { source } = replication;
    await source.change(new Random(120), 6);
    const snapshot = await source.snapshot();
    const access = await source.access(snapshot, 'snapshot-1');
    await source.deleteSnapshot('snapshot-1');
    const figures = await replication.bring({
      point: 'point-2',
      snapshot,
      base: 'snapshot-1',
      access: async () => access,
    });
    expect(figures.mode).toBe('checksum');
    expect(figures.modeReason).toContain('resynchronization: the base snapshot is gone');
    await expectEqual(replication, 'point-2', snapshot);
  });

  it('leads to a comparison when the control plane has none any more', async () => {
    const replication = await aSealedReplication(13);
    await replication.source.change(new Random(130), 6);
    const snapshot = await replication.source.snapshot();
    const figures = await replication.bring({
      point: 'point-2',
      snapshot,
      base: 'snapshot-1',
      access: () => replication.source.access(snapshot),
    });
    expect(figures.modeReason).toContain('resynchronization: the base snapshot is gone');
    await expectEqual(replication, 'point-2', snapshot);
  });

  it('leads to a comparison when the master target stands at another point', async () => {
    const replication = await aSealedReplication(14);
    await replication.source.change(new Random(140), 4);
    const base = await replication.source.snapshot();
    await replication.source.change(new Random(141), 4);
    const snapshot = await replication.source.snapshot();
    const figures = await replication.bring({ point: 'point-2', snapshot, base });
    expect(figures.modeReason).toMatch(/stands at another point than the base/);
    await expectEqual(replication, 'point-2', snapshot);
  });
});

describe('a storage service that is not itself', () => {
  it('is asked again while it answers 503', async () => {
    const replication = await LabReplication.open({ site: lab.site, source: await aSource(15) });
    const snapshot = await replication.source.snapshot();
    const match = /^GET .*disk-/;
    lab.storage.azurite.blobFront.inject({ match, status: 503, code: 'ServerBusy', times: 5 });
    try {
      const figures = await replication.bring({ point: 'point-1', snapshot });
      expect(figures.resumeCount).toBe(0);
    } finally {
      lab.storage.azurite.blobFront.clearFaults();
    }
    await expectEqual(replication, 'point-1', snapshot);
  });

  it('is asked with new access when the old one was revoked', async () => {
    const replication = await aSealedReplication(16);
    const { source } = replication;
    await source.change(new Random(160), 6);
    const snapshot = await source.snapshot();
    const old = await source.access(snapshot, 'snapshot-1');
    lab.storage.azurite.blobFront.revoke(must(old.sourceUrl, 'the URL of the snapshot'));
    lab.storage.azurite.blobFront.revoke(must(old.baseUrl, 'the URL of the base'));
    const grants = [old];
    const context = aCommandContext(
      async () => grants.pop() ?? source.access(snapshot, 'snapshot-1'),
    );
    const request = { point: 'point-2', snapshot, base: 'snapshot-1', context };
    const figures = await replication.bring(request);
    expect(figures).toMatchObject({ mode: 'delta', resumeCount: 0 });
    expect(context.accessCount).toBe(2);
    await expectEqual(replication, 'point-2', snapshot);
  });

  it('is asked with new access before the old one runs out', async () => {
    const replication = await LabReplication.open({ site: lab.site, source: await aSource(17) });
    const snapshot = await replication.source.snapshot();
    const context = aCommandContext(async () => ({
      ...(await replication.source.access(snapshot)),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    }));
    await replication.bring({ point: 'point-1', snapshot, context });
    expect(context.accessCount).toBeGreaterThan(3);
    await expectEqual(replication, 'point-1', snapshot);
  });
});

describe('a source that is not the disk that was named', () => {
  it.each([
    ['its footer names another size', buildVhdFooter(SIZE_BYTES + 512, new Uint8Array(16)), 2],
    ['it has no footer', Buffer.alloc(512, 'x'), 3],
  ])('is refused when %s', async (_name, footer, number) => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES, footer);
    const replication = await LabReplication.open({ site: lab.site, source });
    const sending = replication.send({ point: 'point-1', snapshot: await source.snapshot() });
    await expect(sending).rejects.toMatchObject({ code: `FB-DATA-00${number}` });
  });

  it('is refused when the disk in Azure was made larger', async () => {
    const [source, larger] = [
      await LabDisk.create(lab.storage, SIZE_BYTES),
      await LabDisk.create(lab.storage, SIZE_BYTES + MIB),
    ];
    const replication = await LabReplication.open({ site: lab.site, source });
    const snapshot = await larger.snapshot();
    const access = (): ReturnType<LabDisk['access']> => larger.access(snapshot);
    await expect(replication.send({ point: 'point-1', snapshot, access })).rejects.toMatchObject({
      code: 'FB-DATA-002',
      values: { actualBytes: SIZE_BYTES + MIB, neededBytes: SIZE_BYTES },
    });
  });
});
