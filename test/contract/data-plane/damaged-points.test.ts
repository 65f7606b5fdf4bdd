import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { applyPending } from '../../../agents/master-target/apply.ts';
import type { Journal } from '../../../agents/master-target/journal-records.ts';
import { FRAME } from '../../../shared/contracts/transfer-protocol.ts';
import { CrashingFolder, sealAndCrash } from '../../support/data-plane/crashing-seal.ts';
import { flip, recordIn, recordsIn } from '../../support/data-plane/journal-file.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { must } from '../../support/must.ts';

const MIB = 1024 ** 2;
const SIZE_BYTES = 3 * MIB;

const lab = useLab();

/** Three points. Behind the last MiB lie zeros at the first of them, so that undo has both kinds. */
async function threePoints(): Promise<LabReplication> {
  const random = new Random(1);
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, random.bytes(2 * MIB));
  const replication = await LabReplication.open({ site: lab.site, source });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  for (const index of [2, 3]) {
    await source.write(4096, random.bytes(8192));
    await source.write(2 * MIB + index * 512 * 1024 - MIB, random.bytes(4096));
    const snapshot = await source.snapshot();
    const base = `snapshot-${index - 1}`;
    await replication.bring({ point: `point-${index}`, snapshot, base });
  }
  return replication;
}

async function expectAt(replication: LabReplication, index: number): Promise<void> {
  const held = replication.source.contentOf(`snapshot-${index}`);
  expect(replication.target.equals(held)).toBe(true);
  expect((await replication.verify(`point-${index}`)).mismatches).toEqual([]);
}

function journalOf(replication: LabReplication): Journal {
  return JSON.parse(readFileSync(replication.file('journal.json'), 'utf8')) as Journal;
}

type Damage = (file: string) => void;
const borderOf = (file: string, index: number): number =>
  must(recordsIn(file)[index], 'a record').end;

const DAMAGES: readonly (readonly [string, Damage])[] = [
  ['a bit of a payload is wrong', (file) => flip(file, recordIn(file).end - 100)],
  ['bytes belong elsewhere', (file) => flip(file, recordIn(file).start + 14, 5)],
  ['zeros belong elsewhere', (file) => flip(file, recordIn(file, FRAME.zero).start + 14, 5)],
  ['zeros are longer', (file) => flip(file, recordIn(file, FRAME.zero).start + 22, 4)],
  ['a digest is of another block', (file) => flip(file, recordIn(file, FRAME.same).start + 12)],
  ['it ends inside a record', (file) => truncateSync(file, borderOf(file, 1) + 9)],
  ['it ends behind a record', (file) => truncateSync(file, borderOf(file, 1))],
  [
    'it ends before its last record',
    (file) => truncateSync(file, borderOf(file, recordsIn(file).length - 2)),
  ],
  ['nothing is in it', (file) => truncateSync(file, 0)],
  ['it is gone', (file) => rmSync(file)],
];

describe('going back over undo that is damaged', () => {
  it.each(DAMAGES)('is refused before anything is touched: %s', async (_what, damage) => {
    const replication = await threePoints();
    const before = readFileSync(replication.file('journal.json'), 'utf8');
    damage(replication.file('points', 'point-2', 'os.undo'));
    await expect(replication.rewind('point-1')).rejects.toMatchObject({
      code: 'FB-JRN-009',
      values: { pointId: 'point-1', reason: expect.stringContaining('damaged') },
    });
    expect(readFileSync(replication.file('journal.json'), 'utf8')).toBe(before);
    await expectAt(replication, 3);
    // The newest point goes on being one that deltas fit on, and the one before can be gone back to.
    await replication.source.write(MIB, new Random(7).bytes(4096));
    const snapshot = await replication.source.snapshot();
    await replication.bring({ point: 'point-4', snapshot, base: 'snapshot-3' });
    await expectAt(replication, 4);
    await replication.rewind('point-3');
    await expectAt(replication, 3);
  });

  it('is done where points of an earlier version do not say how long it is', async () => {
    const replication = await threePoints();
    const journal = journalOf(replication);
    for (const point of journal.points) delete point.undoLengths;
    writeFileSync(replication.file('journal.json'), JSON.stringify(journal));
    await replication.rewind('point-1');
    await expectAt(replication, 1);
  });
});

/** Point-4 is in the journal, and half of it on the disk, when the program dies. */
async function halfApplied(): Promise<LabReplication> {
  const replication = await threePoints();
  const { source } = replication;
  await source.write(8192, new Random(4).bytes(4096));
  await source.clear(640 * 1024, 4096);
  await source.write(2 * MIB + 512 * 1024, new Random(5).bytes(8192));
  const snapshot = await source.snapshot();
  await replication.send({ point: 'point-4', snapshot, base: 'snapshot-3' });
  await sealAndCrash(lab.site, replication, 'point-4');
  const content = replication.target;
  source.contentOf(snapshot).copy(content, 0, 0, MIB);
  writeFileSync(replication.targetFile, content);
  return replication;
}

const PARTS = [
  ['what was received', ['staged', 'os.0.redo']],
  ['the new digests', ['points', 'point-4', 'os.next']],
] as const;

const PART_DAMAGES: typeof DAMAGES = [
  ['a bit is wrong', (file) => flip(file, must(recordsIn(file).at(-1), 'a record').end - 1)],
  ['its last record is missing', (file) => truncateSync(file, borderOf(file, 1))],
  ['nothing is in it', (file) => truncateSync(file, 0)],
  ['it is gone', (file) => rmSync(file)],
];

const CASES = PARTS.flatMap(([part, names]) =>
  PART_DAMAGES.map(([what, damage]) => [`${part}, ${what}`, names, damage] as const),
);

describe('a sealed point that turns out to be damaged before all of it is on the disks', () => {
  it.each(CASES)('is taken back, and sent again: %s', async (_name, names, damage) => {
    const replication = await halfApplied();
    damage(replication.file(...names));
    await expect(replication.seal('point-4')).rejects.toMatchObject({ code: 'FB-JRN-002' });
    await expectAt(replication, 3);
    const request = { point: 'point-4', snapshot: 'snapshot-4', base: 'snapshot-3' };
    expect(await replication.bring(request)).toMatchObject({ mode: 'delta' });
    await expectAt(replication, 4);
    await replication.rewind('point-3');
    await expectAt(replication, 3);
  });

  it.each([
    ['opens the disks', async (replication: LabReplication) => replication.openTarget()],
    ['throws away what is staged', async (replication: LabReplication) => replication.discard()],
    ['goes back', async (replication: LabReplication) => replication.rewind('point-3')],
  ])('is no hindrance for whoever %s', async (_name, act) => {
    const replication = await halfApplied();
    rmSync(replication.file('staged', 'os.0.redo'));
    await act(replication);
    expect(journalOf(replication)).toMatchObject({ pending: null });
    await expectAt(replication, 3);
  });

  it('is no hindrance for a transfer that begins before anybody asks for the seal again', async () => {
    const replication = await halfApplied();
    rmSync(replication.file('staged', 'os.0.redo'));
    const request = { point: 'point-4', snapshot: 'snapshot-4', base: 'snapshot-3' };
    expect(await replication.bring(request)).toMatchObject({ mode: 'delta' });
    await expectAt(replication, 4);
  });

  it('is taken back also when the program dies in the middle of that', async () => {
    const replication = await halfApplied();
    rmSync(replication.file('staged', 'os.0.redo'));
    const folder = new CrashingFolder(lab.site.retentionFolder, replication.replicationId);
    await expect(applyPending(folder)).rejects.toThrow('crash');
    expect(journalOf(replication)).toMatchObject({ pending: { kind: 'rewind' } });
    await replication.restartMasterTarget();
    expect(await replication.openTarget()).toBe('point-3');
    await expectAt(replication, 3);
  });

  it('stays where it is when the way back is damaged, too: nothing boots', async () => {
    const replication = await halfApplied();
    rmSync(replication.file('points', 'point-4', 'os.next'));
    const undo = replication.file('points', 'point-4', 'os.undo');
    truncateSync(undo, borderOf(undo, 0));
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      await expect(replication.seal('point-4')).rejects.toMatchObject({
        code: 'FB-JRN-002',
        values: { reason: 'os.next is not there any more' },
      });
    }
    expect(journalOf(replication)).toMatchObject({ pending: { kind: 'apply' } });
    await expect(replication.verify('point-4')).rejects.toMatchObject({ code: 'FB-JRN-006' });
  });
});
