import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LabDisk, type LabStorage, startLabStorage } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { type LabSite, startLabSite } from '../../support/data-plane/lab-site.ts';
import { Random } from '../../support/data-plane/random.ts';

const SIZE_BYTES = 2 * 1024 * 1024;

describe('what was received and lies damaged on the retention volume', () => {
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

  /** Breaks the first lane's file. */
  type Damage = (file: string) => void;

  const DAMAGES: readonly (readonly [string, Damage])[] = [
    ['a byte of a payload', (file) => change(file, (bytes) => bytes.writeUInt8(0, 200))],
    ['the kind of a record', (file) => change(file, (bytes) => bytes.writeUInt8(99, 4))],
    ['the length of a record', (file) => change(file, (bytes) => bytes.writeUInt32BE(2 ** 31))],
    [
      'a file that a crash cut short, filled up with zeros',
      (file) => {
        const { length } = readFileSync(file);
        truncateSync(file, 5);
        truncateSync(file, length);
      },
    ],
    ['a file that ends inside a record', (file) => truncateSync(file, bordersOf(file)[1] + 3)],
    ['a file without its last record', (file) => truncateSync(file, bordersOf(file)[1])],
    ['a file with its first record only', (file) => truncateSync(file, bordersOf(file)[0])],
    ['a file of no bytes', (file) => truncateSync(file, 0)],
    ['a file that is gone', (file) => rmSync(file)],
  ];

  /** Where the first and the second of three records end. */
  function bordersOf(file: string): readonly [number, number] {
    const bytes = readFileSync(file);
    const first = 5 + bytes.readUInt32BE(0);
    const second = first + 5 + bytes.readUInt32BE(first);
    expect(bytes.length).toBeGreaterThan(second);
    return [first, second];
  }

  function change(file: string, how: (bytes: Buffer) => void): void {
    const bytes = readFileSync(file);
    how(bytes);
    writeFileSync(file, bytes);
  }

  it.each(DAMAGES)('is refused, thrown away and received again: %s', async (_what, damage) => {
    const source = await LabDisk.create(storage, SIZE_BYTES);
    await source.write(0, new Random(1).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site, source });
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
