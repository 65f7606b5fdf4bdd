import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = 2 * 1024 * 1024 + 512;

const lab = useLab({ retention: { maxPoints: 5, maxAgeHours: 24 } });

/** Sealed at point-1 and point-2, which changed a part of the second block. */
async function aReplication(seed: number): Promise<LabReplication> {
  const source = await LabDisk.create(lab.storage, SIZE_BYTES);
  await source.write(0, new Random(seed).bytes(SIZE_BYTES));
  const replication = await LabReplication.open({ site: lab.site, source });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  await source.write(300_032, new Random(seed + 1).bytes(4096));
  const snapshot = await source.snapshot();
  await replication.bring({ point: 'point-2', snapshot, base: 'snapshot-1' });
  return replication;
}

describe('going back behind a repair', () => {
  it.each(['delta', 'checksum'] as const)(
    'brings back what the point held, and not the damage that was repaired (%s)',
    async (mode) => {
      const replication = await aReplication(10);
      const bytes = replication.target;
      // In blocks that point-2 changed in part, and not at all; and in the last, which is short.
      for (const at of [290_000, 1_000_000, SIZE_BYTES - 100]) bytes.fill(0xaa, at, at + 50);
      writeFileSync(replication.targetFile, bytes);
      const { mismatches } = await replication.verify('point-2');
      expect(mismatches).toHaveLength(3);
      const repair = mismatches.map(({ offset, length }) => ({ offset, length }));
      const again = { point: 'point-2r', snapshot: 'snapshot-2' };
      await replication.bring(mode === 'checksum' ? { ...again, mode } : { ...again, repair });
      expect((await replication.verify('point-2r')).mismatches).toEqual([]);
      await replication.rewind('point-1');
      expect(replication.target.equals(replication.source.contentOf('snapshot-1'))).toBe(true);
      expect((await replication.verify('point-1')).mismatches).toEqual([]);
    },
  );
});

describe('what is kept once nobody goes back any more', () => {
  const forget = async ({ masterTarget, replicationId }: LabReplication): Promise<number> => {
    const output = await runCommand(masterTarget.handlers, 'forgetOlderPoints', { replicationId });
    return output.forgottenPoints;
  };

  it('is the record of the newest point alone, and the disks are not touched', async () => {
    const replication = await aReplication(20);
    const { source } = replication;
    const snapshot = await source.snapshot();
    await replication.send({ point: 'point-3', snapshot, base: 'snapshot-2' });
    // The machine runs on it by now.
    const running = new Random(21).bytes(SIZE_BYTES);
    writeFileSync(replication.targetFile, running);
    expect(await forget(replication)).toBe(1);
    expect(replication.target.equals(running)).toBe(true);
    const files = readdirSync(replication.file('points'), { recursive: true, withFileTypes: true });
    expect(files.filter((each) => each.isFile())).toEqual([]);
    expect(readdirSync(replication.file('staged'))).toEqual([]);
    const folder = new ReplicationFolder(lab.site.retentionFolder, replication.replicationId);
    const { points } = await folder.journal();
    expect(points.map(({ pointId, hasUndo }) => [pointId, hasUndo])).toEqual([['point-2', false]]);
    expect(await forget(replication)).toBe(0);
  });

  it('is enough for the way back to Azure, also from an older point', async () => {
    const replication = await aReplication(30);
    const { source } = replication;
    const replica = await LabDisk.create(lab.storage, SIZE_BYTES);
    await replica.write(0, source.contentOf('snapshot-2'));
    await replication.rewind('point-1');
    await forget(replication);
    const sent = await replication.sendBack(() => replica.replicaUrl());
    expect(sent.changedBytes).toBe(256 * 1024);
    expect((await replica.download()).equals(source.contentOf('snapshot-1'))).toBe(true);
  });

  it('is nothing where nothing is known', async () => {
    const replication = await aReplication(40);
    await replication.close();
    expect(await forget(replication)).toBe(0);
    expect(existsSync(replication.file())).toBe(false);
  });
});
