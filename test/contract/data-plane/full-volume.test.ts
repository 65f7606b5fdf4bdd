import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import {
  aCommandContext,
  type FakeContext,
  untilHeldUp,
} from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { mib, SmallVolume } from '../../support/data-plane/small-volume.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = mib(24);

describeWith('smallVolume', 'a retention volume that is full', () => {
  const lab = useLab({
    onRetentionFolder: (folder) => {
      volume = SmallVolume.mount(folder, 16);
    },
    beforeStop: () => volume.unmount(),
  });
  let volume: SmallVolume;

  /** Sealed at point-1; point-2 has changed 6 MiB. Somebody else leaves `freeMib` of the volume. */
  async function aTightDelta(
    seed: number,
    freeMib: number,
  ): Promise<{ replication: LabReplication; snapshot: string }> {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(seed).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source });
    await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
    await source.write(mib(1), new Random(seed + 1).bytes(mib(6)));
    const snapshot = await source.snapshot();
    volume.leave(mib(freeMib));
    return { replication, snapshot };
  }

  /** Gives the space back once the context was told that it is missing. */
  async function freeWhenNoticed(context: FakeContext): Promise<void> {
    await untilHeldUp(context);
    volume.release();
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
    const values = { volume: lab.site.retentionFolder };
    expect(await untilHeldUp(context)).toMatchObject({ code: 'FB-JRN-004', values });
    expect(replication.target.equals(before)).toBe(true);
    volume.release();
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
