import { existsSync } from 'node:fs';
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { describeWith } from '../../peers/peers.ts';
import { aCommandContext, untilHeldUp } from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import type { MasterTarget } from '../../support/data-plane/lab-site.ts';
import { Random } from '../../support/data-plane/random.ts';
import { mib, SmallVolume } from '../../support/data-plane/small-volume.ts';
import { useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = mib(12);
const HOUR_MS = 3_600_000;

describeWith('smallVolume', 'a retention volume that several replications share', () => {
  const lab = useLab({
    onRetentionFolder: (folder) => {
      volume = SmallVolume.mount(folder, 32);
    },
    beforeStop: () => volume.unmount(),
  });
  let masterTarget: MasterTarget;
  let volume: SmallVolume;
  const open: LabReplication[] = [];

  beforeAll(async () => {
    masterTarget = await lab.site.startMasterTarget();
  });

  afterEach(async () => {
    volume.release();
    for (const replication of open.splice(0)) await replication.close();
  });

  /** Sealed at point-1 (snapshot-1). */
  async function aReplication(seed: number): Promise<LabReplication> {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(seed).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source, masterTarget });
    open.push(replication);
    await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
    return replication;
  }

  /** What the source changed since the snapshot before, as it is sent. */
  async function aDelta(
    { source }: LabReplication,
    index: number,
    bytes: number,
  ): Promise<{ readonly point: string; readonly snapshot: string; readonly base: string }> {
    await source.write(0, new Random(index * 1000).bytes(bytes));
    const snapshot = await source.snapshot();
    return { point: `point-${index}`, snapshot, base: `snapshot-${index - 1}` };
  }

  async function expectAt(replication: LabReplication, point: string): Promise<void> {
    const snapshot = point.replace('point', 'snapshot');
    expect(replication.target.equals(replication.source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify(point)).mismatches).toEqual([]);
  }

  /** As if all that was sealed had been taken so long ago. */
  async function age({ replicationId }: LabReplication, hours: number): Promise<void> {
    const folder = new ReplicationFolder(lab.site.retentionFolder, replicationId);
    const takenAt = new Date(Date.now() - hours * HOUR_MS).toISOString();
    const journal = await folder.journal();
    const points = journal.points.map((point) => ({ ...point, takenAt }));
    await folder.writeJournal({ ...journal, points });
  }

  it('lets two seals through one after the other when there is room for one of them only', async () => {
    const [one, other] = [await aReplication(1), await aReplication(2)];
    for (const each of [one, other]) await each.send(await aDelta(each, 2, mib(4)));
    volume.leave(mib(6));
    await Promise.all([one.seal('point-2'), other.seal('point-2')]);
    await expectAt(one, 'point-2');
    await expectAt(other, 'point-2');
  });

  it('is not kept full by a seal that waits: others go on', async () => {
    const [large, small] = [await aReplication(3), await aReplication(4)];
    await large.send(await aDelta(large, 2, mib(8)));
    volume.leave(mib(6));
    const context = aCommandContext();
    const sealing = large.seal('point-2', { context });
    await untilHeldUp(context);
    const others = aCommandContext();
    await small.send(await aDelta(small, 2, mib(1)));
    await small.seal('point-2', { context: others });
    expect(others.progress.some(({ health }) => health !== undefined)).toBe(false);
    expect(existsSync(large.file('points', 'point-2'))).toBe(false);
    volume.release();
    await sealing;
    await expectAt(large, 'point-2');
    await expectAt(small, 'point-2');
  });

  it('gets back what is older than it is kept, for a transfer that waits', async () => {
    const replication = await aReplication(5);
    await replication.bring(await aDelta(replication, 2, mib(8)));
    const delta = await aDelta(replication, 3, mib(4));
    volume.leave(mib(2));
    await age(replication, 25);
    await replication.send(delta);
    expect(existsSync(replication.file('points', 'point-2', 'os.undo'))).toBe(false);
    volume.release();
    await replication.seal('point-3');
    await expectAt(replication, 'point-3');
  });

  it('gets back what is older than it is kept, for a seal that waits', async () => {
    const replication = await aReplication(6);
    await replication.bring(await aDelta(replication, 2, mib(8)));
    await replication.send(await aDelta(replication, 3, mib(4)));
    volume.leave(mib(2));
    await age(replication, 25);
    const { retainedPointIds } = await replication.seal('point-3');
    expect(retainedPointIds).toEqual(['point-3']);
    await expectAt(replication, 'point-3');
  });

  it('gets back, to the last byte, the point whose place the new one takes', async () => {
    const replication = await aReplication(7);
    for (const index of [2, 3]) await replication.bring(await aDelta(replication, index, mib(4)));
    await replication.send(await aDelta(replication, 4, mib(2)));
    volume.leave(0);
    const { retainedPointIds } = await replication.seal('point-4');
    expect(retainedPointIds).toEqual(['point-2', 'point-3', 'point-4']);
    await expectAt(replication, 'point-4');
    volume.release();
    await replication.rewind('point-2');
    await expectAt(replication, 'point-2');
  });

  it('does not get a point that somebody goes back to, however long it waits', async () => {
    const replication = await aReplication(8);
    await replication.bring(await aDelta(replication, 2, mib(4)));
    await age(replication, 25);
    const keepPointId = 'point-1';
    volume.leave(mib(1));
    const delta = await aDelta(replication, 3, mib(4));
    const context = aCommandContext(() => replication.source.access(delta.snapshot, delta.base));
    const sending = replication.send({ ...delta, keepPointId, context });
    await untilHeldUp(context);
    volume.leave(mib(7));
    await sending;
    const sealContext = aCommandContext();
    const sealing = replication.seal('point-3', { context: sealContext, keepPointId });
    await untilHeldUp(sealContext);
    volume.release();
    expect((await sealing).retainedPointIds).toEqual(['point-1', 'point-2', 'point-3']);
    await replication.rewind('point-1');
    await expectAt(replication, 'point-1');
  });
});
