import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { FRAME } from '../../../shared/contracts/transfer-protocol.ts';
import { sealAndCrash } from '../../support/data-plane/crashing-seal.ts';
import { flip, recordIn } from '../../support/data-plane/journal-file.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { aDataFrame, RawPeer } from '../../support/data-plane/raw-peer.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { must } from '../../support/must.ts';

const SIZE_BYTES = 2 * 1024 * 1024 + 512;

const lab = useLab();

async function aReplication(seed: number): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(seed).bytes(SIZE_BYTES / 2 - 256));
  return LabReplication.open({ site: lab.site, source });
}

/** Sealed at point-1 (snapshot-1); point-2 (snapshot-2) is received, but not sealed. */
async function aStagedDelta(seed: number): Promise<LabReplication> {
  const replication = await aReplication(seed);
  const { source } = replication;
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  await source.change(new Random(seed * 10), 8);
  await source.write(4096, new Random(seed * 10 + 1).bytes(70_000 - (70_000 % 512)));
  await source.clear(600 * 1024, 4096);
  const snapshot = await source.snapshot();
  await replication.send({ point: 'point-2', snapshot, base: 'snapshot-1' });
  return replication;
}

async function expectAt(replication: LabReplication, point: string, name: string): Promise<void> {
  expect(replication.target.equals(replication.source.contentOf(name))).toBe(true);
  expect((await replication.verify(point)).mismatches).toEqual([]);
}

describe('sealing a recovery point', () => {
  it('is refused while nothing was received', async () => {
    const replication = await aReplication(1);
    await expect(replication.seal('point-1')).rejects.toMatchObject({
      code: 'FB-JRN-002',
      values: { reason: 'nothing was received' },
    });
  });

  it('is refused while the transfer is not finished', async () => {
    const replication = await aReplication(2);
    const { replicationId, masterTarget } = replication;
    const peer = await RawPeer.connect(
      masterTarget.port,
      await lab.site.certificate('processServer'),
    );
    await peer.hello({ replicationId, sizeBytes: SIZE_BYTES });
    await peer.answer();
    await peer.begin('full', SIZE_BYTES);
    await peer.frames(
      aDataFrame(0, 0),
      { type: FRAME.checkpoint, sequence: 1, offset: 256 * 1024 },
      // Refused: makes sure that everything before it was taken.
      { type: FRAME.finish, sequence: 7 },
    );
    await peer.refusal();
    peer.close();
    await expect(replication.seal('point-1')).rejects.toMatchObject({
      code: 'FB-JRN-002',
      values: { reason: 'the transfer did not finish' },
    });
  });

  it('is refused when what was received belongs to another point', async () => {
    const replication = await aStagedDelta(3);
    await expect(replication.seal('point-3')).rejects.toMatchObject({
      code: 'FB-JRN-002',
      values: { reason: 'what was received belongs to point-2' },
    });
    await replication.seal('point-2');
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('is refused for a replication that is not open', async () => {
    const replication = await aReplication(4);
    renameSync(replication.file('replication.json'), replication.file('elsewhere.json'));
    await expect(replication.seal('point-1')).rejects.toMatchObject({ code: 'FB-JRN-001' });
  });

  it('does nothing more when it is asked for again', async () => {
    const replication = await aStagedDelta(5);
    const first = await replication.seal('point-2');
    expect(first.appliedBytes).toBeGreaterThan(0);
    expect(await replication.seal('point-2')).toEqual({ ...first, appliedBytes: 0 });
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('is refused when a byte of the journal was flipped', async () => {
    const replication = await aStagedDelta(6);
    const file = replication.file('staged', 'os.0.redo');
    flip(file, recordIn(file).end - 100);
    await expect(replication.seal('point-2')).rejects.toMatchObject({
      code: 'FB-JRN-002',
      values: { reason: 'a record does not fit its digest' },
    });
    await expectAt(replication, 'point-1', 'snapshot-1');
  });

  it('is refused when the end of the journal is missing', async () => {
    const replication = await aStagedDelta(7);
    const file = replication.file('staged', 'os.0.redo');
    truncateSync(file, readFileSync(file).length - 3);
    await expect(replication.seal('point-2')).rejects.toMatchObject({
      code: 'FB-JRN-002',
      values: { reason: 'the last record is cut off' },
    });
    await expectAt(replication, 'point-1', 'snapshot-1');
  });
});

/** The program dies right after the rename that seals: nothing of the point is on the disk. */
async function sealPoint2AndCrash(replication: LabReplication): Promise<void> {
  await sealAndCrash(lab.site, replication, 'point-2');
  expect(replication.target.equals(replication.source.contentOf('snapshot-1'))).toBe(true);
}

describe('a crash between seal and apply', () => {
  it('is made good when the target is opened again', async () => {
    const replication = await aStagedDelta(8);
    await sealPoint2AndCrash(replication);
    await replication.restartMasterTarget();
    expect(await replication.openTarget()).toBe('point-2');
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('is made good when the seal is asked for again', async () => {
    const replication = await aStagedDelta(9);
    await sealPoint2AndCrash(replication);
    await replication.restartMasterTarget();
    const { appliedBytes } = await replication.seal('point-2');
    expect(appliedBytes).toBeGreaterThan(0);
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('keeps the sealed point when what was never sealed is thrown away', async () => {
    const replication = await aStagedDelta(10);
    await sealPoint2AndCrash(replication);
    expect(await replication.discard()).toBe('point-2');
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('ends the same when half of it was on the disk already', async () => {
    const replication = await aStagedDelta(11);
    await sealPoint2AndCrash(replication);
    const half = SIZE_BYTES / 2;
    const content = replication.target;
    replication.source.contentOf('snapshot-2').copy(content, 0, 0, half);
    writeFileSync(replication.targetFile, content);
    expect(await replication.openTarget()).toBe('point-2');
    await expectAt(replication, 'point-2', 'snapshot-2');
  });
});

describe('a file of the journal that is gone', () => {
  it('keeps the disks from going back, and from leaving the point where they stand', async () => {
    const replication = await aStagedDelta(16);
    await replication.seal('point-2');
    rmSync(replication.file('points', 'point-2', 'os.undo'));
    await expect(replication.rewind('point-1')).rejects.toMatchObject({ code: 'FB-JRN-009' });
    expect(await replication.openTarget()).toBe('point-2');
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('is missed when it goes in the middle of going back', async () => {
    const replication = await aStagedDelta(17);
    await replication.seal('point-2');
    rmSync(replication.file('points', 'point-2', 'os.undo'));
    const folder = new ReplicationFolder(lab.site.retentionFolder, replication.replicationId);
    const { points } = await folder.journal();
    await folder.writeJournal({
      points: points.slice(0, 1),
      pending: { kind: 'rewind', undo: ['point-2'] },
    });
    await expect(replication.openTarget()).rejects.toMatchObject({ code: 'FB-JRN-002' });
  });
});

describe('throwing away what was never sealed', () => {
  it('leaves the disk at the sealed point', async () => {
    const replication = await aStagedDelta(12);
    expect(await replication.discard()).toBe('point-1');
    await expectAt(replication, 'point-1', 'snapshot-1');
    await expect(replication.seal('point-2')).rejects.toMatchObject({ code: 'FB-JRN-002' });
  });

  it('lets the next delta begin at the sealed point', async () => {
    const replication = await aStagedDelta(13);
    await replication.discard();
    await replication.source.change(new Random(131), 5);
    const snapshot = await replication.source.snapshot();
    const request = { point: 'point-3', snapshot, base: 'snapshot-1' };
    expect(await replication.bring(request)).toMatchObject({ mode: 'delta' });
    await expectAt(replication, 'point-3', snapshot);
  });

  it('does nothing for a replication that was never opened', async () => {
    const replication = await aReplication(14);
    renameSync(replication.file('replication.json'), replication.file('elsewhere.json'));
    expect(await replication.discard()).toBeNull();
  });
});

/** Five points with retention for three: point-3 to point-5 can be gone back to. */
async function aHistory(seed: number): Promise<LabReplication> {
  const replication = await aReplication(seed);
  const { source } = replication;
  let base: string | undefined;
  for (let index = 1; index <= 5; index += 1) {
    const snapshot = await source.snapshot();
    const point = { point: `point-${index}`, snapshot };
    await replication.bring(base === undefined ? point : { ...point, base });
    base = snapshot;
    await source.change(new Random(seed * 100 + index), 6);
  }
  return replication;
}

describe('going back to an older point', () => {
  it.each([3, 4, 5])('brings every byte of point %i back', async (index) => {
    const replication = await aHistory(20 + index);
    await replication.rewind(`point-${index}`);
    await expectAt(replication, `point-${index}`, `snapshot-${index}`);
  });

  it('is refused for a point that is not retained any more', async () => {
    const replication = await aHistory(30);
    await expect(replication.rewind('point-2')).rejects.toMatchObject({ code: 'FB-JRN-009' });
    await expectAt(replication, 'point-5', 'snapshot-5');
  });

  it('can be done again, step by step', async () => {
    const replication = await aHistory(31);
    await replication.rewind('point-4');
    await replication.rewind('point-4');
    await replication.rewind('point-3');
    await expectAt(replication, 'point-3', 'snapshot-3');
  });

  it('keeps in mind what Azure holds, so that the way back sends the difference', async () => {
    const replication = await aHistory(32);
    const replica = await LabDisk.create(lab.storage, SIZE_BYTES);
    await replica.write(0, replication.source.contentOf('snapshot-5'));
    await replication.rewind('point-3');
    await replication.sendBack(() => replica.replicaUrl());
    expect((await replica.download()).equals(replication.source.contentOf('snapshot-3'))).toBe(
      true,
    );
  });
});

describe('a point that is sealed after going back', () => {
  it('is what Azure will hold: what it held before is forgotten', async () => {
    const replication = await aHistory(33);
    const { source } = replication;
    await replication.rewind('point-4');
    const snapshot = await source.snapshot();
    await replication.bring({ point: 'point-6', snapshot, mode: 'checksum' });
    const replica = await LabDisk.create(lab.storage, SIZE_BYTES);
    await replica.write(0, source.contentOf(snapshot));
    expect(await replication.sendBack(() => replica.replicaUrl())).toMatchObject({
      changedBytes: 0,
    });
    const bytes = replication.target;
    bytes.set(source.contentOf('snapshot-5').subarray(0, SIZE_BYTES));
    writeFileSync(replication.targetFile, bytes);
    await replication.sendBack(() => replica.replicaUrl());
    expect((await replica.download()).equals(source.contentOf('snapshot-5'))).toBe(true);
  });
});

describe('a disk that somebody else wrote to', () => {
  it('is found before a delta is built on it, and mended by comparing', async () => {
    const replication = await aStagedDelta(40);
    const bytes = replication.target;
    bytes[8192] = must(bytes[8192], 'a byte at this place') ^ 1;
    writeFileSync(replication.targetFile, bytes);
    await expect(replication.seal('point-2')).rejects.toMatchObject({ code: 'FB-JRN-008' });
    const request = { point: 'point-2', snapshot: 'snapshot-2', mode: 'checksum' } as const;
    expect(await replication.bring(request)).toMatchObject({ mode: 'checksum' });
    await expectAt(replication, 'point-2', 'snapshot-2');
  });

  it('is mended by sending the damaged blocks again', async () => {
    const replication = await aStagedDelta(41);
    await replication.seal('point-2');
    const bytes = replication.target;
    bytes.fill(0xaa, 300_000, 300_100);
    writeFileSync(replication.targetFile, bytes);
    const { mismatches } = await replication.verify('point-2');
    expect(mismatches).toEqual([{ diskId: 'os', offset: 262_144, length: 262_144 }]);
    const repair = mismatches.map(({ offset, length }) => ({ offset, length }));
    const sent = await replication.bring({ point: 'point-2r', snapshot: 'snapshot-2', repair });
    expect(sent.changedBytes).toBe(262_144);
    await expectAt(replication, 'point-2r', 'snapshot-2');
  });
});
