import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Journal } from '../../../agents/master-target/journal-records.ts';
import { FRAME } from '../../../shared/contracts/transfer-protocol.ts';
import { flip, recordIn, recordsIn } from '../../support/data-plane/journal-file.ts';
import { LabDisk, type LabStorage, startLabStorage } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { Random } from '../../support/data-plane/random.ts';
import { must } from '../../support/must.ts';

const MIB = 1024 ** 2;
const SIZE_BYTES = 3 * MIB;

let storage: LabStorage;
let site: LabSite;
beforeAll(async () => {
  storage = await startLabStorage();
  site = await startLabSite();
});
afterAll(async () => {
  await site.stop();
  await storage.stop();
});

/** Three points. Behind the last MiB lie zeros at the first of them, so that undo has both kinds. */
async function threePoints(): Promise<LabReplication> {
  const random = new Random(1);
  const source = await LabDisk.create(storage, SIZE_BYTES);
  await source.write(0, random.bytes(2 * MIB));
  const replication = await LabReplication.open({ site, source });
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
