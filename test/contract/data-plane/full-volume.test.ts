import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { aCommandContext, type FakeContext } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const MIB = 1024 * 1024;
const VOLUME_MIB = 16;
const SIZE_BYTES = 24 * MIB;

describeWith('smallVolume', 'a retention volume that is full', () => {
  const lab = useLab({
    onRetentionFolder: (folder) => {
      const size = `size=${VOLUME_MIB}m`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', folder]);
    },
    beforeStop: () => execFileSync('umount', ['-l', lab.site.retentionFolder]),
  });
  let ballast: string;

  beforeAll(() => {
    ballast = join(lab.site.retentionFolder, 'ballast');
  });

  /** Sealed at point-1; point-2 has changed 6 MiB. Somebody else fills all but `freeMib` of the volume. */
  async function aTightDelta(
    seed: number,
    freeMib: number,
  ): Promise<{ replication: LabReplication; snapshot: string }> {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(seed).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
    await source.write(MIB, new Random(seed + 1).bytes(6 * MIB));
    const snapshot = await source.snapshot();
    writeFileSync(ballast, Buffer.alloc((VOLUME_MIB - freeMib) * MIB - 128 * 1024));
    return { replication, snapshot };
  }

  /** Gives the space back once the context was told that it is missing. */
  async function freeWhenNoticed(context: FakeContext): Promise<void> {
    while (!context.progress.some(({ health }) => health?.code === 'FB-JRN-004')) await delay(20);
    rmSync(ballast);
  }

  it('holds a transfer up, says so, and lets it go on by itself', async () => {
    const { replication, snapshot } = await aTightDelta(1, 3);
    const context = aCommandContext(() => replication.source.access(snapshot, 'snapshot-1'));
    const freeing = freeWhenNoticed(context);
    const request = { point: 'point-2', snapshot, base: 'snapshot-1', context };
    const figures = await replication.send(request);
    await freeing;
    expect(figures).toMatchObject({ mode: 'delta' });
    expect(figures.resumeCount).toBeGreaterThan(0);
    await replication.seal('point-2');
    expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
    await replication.close();
  });

  it('holds a seal up, touches no disk meanwhile, and lets it go on by itself', async () => {
    const { replication, snapshot } = await aTightDelta(10, 9);
    await replication.send({ point: 'point-2', snapshot, base: 'snapshot-1' });
    const before = replication.target;
    const context = aCommandContext();
    const sealing = replication.seal('point-2', { context });
    while (!context.progress.some(({ health }) => health?.code === 'FB-JRN-004')) await delay(20);
    expect(replication.target.equals(before)).toBe(true);
    rmSync(ballast);
    await sealing;
    expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
    await replication.close();
  });

  it('holds the seal up rather than drop the point that somebody goes back to', async () => {
    const { replication, snapshot } = await aTightDelta(20, 9);
    const { source } = replication;
    await replication.send({ point: 'point-2', snapshot, base: 'snapshot-1' });
    const context = aCommandContext();
    const sealing = replication.seal('point-2', {
      keepPointId: 'point-1',
      takenAt: '2020-01-01T00:00:00.000Z',
      context,
    });
    await freeWhenNoticed(context);
    expect((await sealing).retainedPointIds).toEqual(['point-1', 'point-2']);
    await replication.rewind('point-1');
    expect(replication.target.equals(source.contentOf('snapshot-1'))).toBe(true);
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
    await replication.close();
  });
});
