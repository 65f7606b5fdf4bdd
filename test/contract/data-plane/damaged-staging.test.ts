import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { FRAME } from '../../../shared/contracts/transfer-protocol.ts';
import { flip, recordIn, recordsIn } from '../../support/data-plane/journal-file.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';
import { must } from '../../support/must.ts';

const SIZE_BYTES = 2 * 1024 * 1024;

describe('what was received and lies damaged on the retention volume', () => {
  const lab = useLab();

  /** Breaks the first lane's file. */
  type Damage = (file: string) => void;

  const DAMAGES: readonly (readonly [string, Damage])[] = [
    ['a byte of a payload', (file) => flip(file, recordIn(file).end - 100)],
    ['the mark at its front', (file) => flip(file, 3)],
    ['the checksum of a record', (file) => flip(file, recordIn(file).start - 1)],
    ['the length of a record', (file) => flip(file, recordIn(file).start + 3, 4)],
    ['the kind of a record', (file) => flip(file, recordIn(file).start + 4)],
    ['where the bytes of a record belong', (file) => flip(file, recordIn(file).start + 14, 5)],
    ['where zeros belong', (file) => flip(file, recordIn(file, FRAME.zero).start + 14, 4)],
    ['how many zeros there are', (file) => flip(file, recordIn(file, FRAME.zero).start + 22, 4)],
    [
      'a file that a crash cut short, filled up with zeros',
      (file) => {
        const { length } = readFileSync(file);
        truncateSync(file, 5);
        truncateSync(file, length);
      },
    ],
    ['a file that ends inside a record', (file) => truncateSync(file, borderOf(file, 1) + 7)],
    ['a file without its last record', (file) => truncateSync(file, borderOf(file, 1))],
    ['a file with its first record only', (file) => truncateSync(file, borderOf(file, 0))],
    ['a file without any record', (file) => truncateSync(file, recordIn(file).start - 4)],
    ['a file of no bytes', (file) => truncateSync(file, 0)],
    ['a file that is gone', (file) => rmSync(file)],
  ];

  /** Where one of three records ends. */
  function borderOf(file: string, index: number): number {
    const records = recordsIn(file);
    expect(records).toHaveLength(3);
    return must(records[index], 'a record').end;
  }

  it.each(DAMAGES)('is refused, thrown away and received again: %s', async (_what, damage) => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(1).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
    await source.write(4096, new Random(2).bytes(8192));
    await source.clear(640 * 1024, 4096);
    await source.write(1024 * 1024, new Random(3).bytes(4096));
    const snapshot = await source.snapshot();
    const request = { point: 'point-2', snapshot, base: 'snapshot-1' };
    await replication.send(request);
    damage(replication.file('staged', 'os.0.redo'));
    await expect(replication.seal('point-2')).rejects.toMatchObject({ code: 'FB-JRN-002' });
    expect(existsSync(replication.file('staged', 'os.json'))).toBe(false);
    expect(replication.target.equals(source.contentOf('snapshot-1'))).toBe(true);
    expect(await replication.send(request)).toMatchObject({ mode: 'delta', changedBytes: 16_384 });
    await replication.seal('point-2');
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
  });
});
