import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from '@jest/globals';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import type { CommandInput, CommandName } from '../../../shared/contracts/commands.ts';
import { describeWith } from '../../peers/peers.ts';
import {
  aCommandContext,
  type FakeContext,
  runCommand,
  untilHeldUp,
} from '../../support/data-plane/command-context.ts';
import { LabDisk } from '../../support/data-plane/lab-disk.ts';
import { LabReplication } from '../../support/data-plane/lab-replication.ts';
import { Random } from '../../support/data-plane/random.ts';
import { mib, SmallVolume } from '../../support/data-plane/small-volume.ts';
import { type Lab, useLab } from '../../support/data-plane/use-lab.ts';

const SIZE_BYTES = mib(4);

/** Sealed at point-1 and point-2. */
async function aReplication(
  { storage, site }: Lab,
  targetFolder?: string,
): Promise<LabReplication> {
  const source = await LabDisk.create(storage, SIZE_BYTES);
  await source.write(0, new Random(1).bytes(mib(1)));
  const place = targetFolder === undefined ? {} : { targetFolder };
  const replication = await LabReplication.open({ site, source, ...place });
  await replication.bring({ point: 'point-1', snapshot: await source.snapshot() });
  await source.write(mib(1), new Random(2).bytes(mib(1)));
  const snapshot = await source.snapshot();
  await replication.bring({ point: 'point-2', snapshot, base: 'snapshot-1' });
  return replication;
}

/** Runs a command of the master target. */
function run<N extends CommandName>(
  { masterTarget }: LabReplication,
  name: N,
  { input, context }: { readonly input: CommandInput<N>; readonly context: FakeContext },
): Promise<unknown> {
  return runCommand(masterTarget.handlers, name, input, context);
}

describeWith('smallVolume', 'a retention volume without a free byte', () => {
  const lab = useLab({
    onRetentionFolder: (folder) => {
      volume = SmallVolume.mount(folder, 32);
    },
    beforeStop: () => volume.unmount(),
  });
  let volume: SmallVolume;

  /** The command says what it waits for, and is done once there is room. */
  async function expectPatience(
    context: FakeContext,
    begin: () => Promise<unknown>,
  ): Promise<void> {
    volume.leave(0);
    const running = begin();
    await Promise.race([untilHeldUp(context), running]);
    const { health } = context.progress.find((each) => each.health !== undefined) ?? {};
    volume.release();
    await running;
    expect(health).toMatchObject({
      code: 'FB-JRN-004',
      values: { volume: lab.site.retentionFolder },
    });
  }

  it('holds up the opening of the disks', async () => {
    const replication = await aReplication(lab);
    const { replicationId, targetFile: path } = replication;
    const device = { kind: 'file', path } as const;
    const disks = [{ diskId: 'os', sizeBytes: SIZE_BYTES, device, isBlank: true }];
    const context = aCommandContext();
    const input = { replicationId, disks };
    await expectPatience(context, async () => run(replication, 'openTarget', { input, context }));
    expect((await replication.verify('point-2')).mismatches).toEqual([]);
  });

  it('holds up the way back to an older point, in the downtime', async () => {
    const replication = await aReplication(lab);
    const { replicationId } = replication;
    const context = aCommandContext();
    const input = { replicationId, pointId: 'point-1' };
    await expectPatience(context, async () =>
      run(replication, 'rewindToPoint', { input, context }),
    );
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
  });

  it('holds up the throwing away of what was never sealed', async () => {
    const replication = await aReplication(lab);
    const { replicationId } = replication;
    const folder = new ReplicationFolder(lab.site.retentionFolder, replicationId);
    const { points } = await folder.journal();
    // A way back that a crash has cut off: it is brought to its end first.
    const pending = { kind: 'rewind', undo: ['point-2'] } as const;
    await folder.writeJournal({
      points: points.slice(0, 1),
      pending: { ...pending, undo: [...pending.undo] },
    });
    const context = aCommandContext();
    const input = { replicationId };
    await expectPatience(context, async () =>
      run(replication, 'discardUnsealed', { input, context }),
    );
    expect((await replication.verify('point-1')).mismatches).toEqual([]);
  });

  it('holds up the letting go of the disks, right before the boot', async () => {
    const replication = await aReplication(lab);
    const { replicationId } = replication;
    const context = aCommandContext();
    const input = { replicationId, forget: false };
    await expectPatience(context, async () => run(replication, 'closeTarget', { input, context }));
    const folder = new ReplicationFolder(lab.site.retentionFolder, replicationId);
    expect(await folder.isOpen()).toBe(false);
  });

  it('holds up the way back to Azure', async () => {
    const replication = await aReplication(lab);
    const replica = await LabDisk.create(lab.storage, SIZE_BYTES);
    const context = aCommandContext(async () => ({
      replicaUrl: await replica.replicaUrl(),
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    }));
    const none = async (): Promise<string> => '';
    await expectPatience(context, async () => replication.sendBack(none, context));
  });
});

describeWith('smallVolume', 'a disk at home whose storage is full', () => {
  const lab = useLab({ beforeStop: () => volume.unmount() });
  let volume: SmallVolume;
  let targetFolder: string;

  beforeAll(() => {
    targetFolder = join(lab.site.folder, 'datastore');
    mkdirSync(targetFolder);
    volume = SmallVolume.mount(targetFolder, 8);
  });

  it('holds up the first copy, and is named', async () => {
    const source = await LabDisk.create(lab.storage, SIZE_BYTES);
    await source.write(0, new Random(3).bytes(SIZE_BYTES));
    const replication = await LabReplication.open({ site: lab.site, source, targetFolder });
    const snapshot = await source.snapshot();
    const context = aCommandContext(() => source.access(snapshot));
    volume.leave(mib(2));
    const sending = replication.send({ point: 'point-1', snapshot, context });
    await untilHeldUp(context, 'FB-JRN-014');
    const { health } = context.progress.find((each) => each.health !== undefined) ?? {};
    expect(health?.values).toEqual({ diskId: 'os', device: replication.targetFile });
    volume.release();
    await sending;
    await replication.seal('point-1');
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
  });

  it('holds up a seal, which then brings the disk to its point', async () => {
    const replication = await aReplication(lab, targetFolder);
    const { source } = replication;
    await source.write(mib(2), new Random(4).bytes(mib(2)));
    const snapshot = await source.snapshot();
    await replication.send({ point: 'point-3', snapshot, base: 'snapshot-2' });
    const context = aCommandContext();
    volume.leave(mib(1));
    const sealing = replication.seal('point-3', { context });
    await untilHeldUp(context, 'FB-JRN-014');
    volume.release();
    expect((await sealing).retainedPointIds).toEqual(['point-1', 'point-2', 'point-3']);
    expect(replication.target.equals(source.contentOf(snapshot))).toBe(true);
    expect((await replication.verify('point-3')).mismatches).toEqual([]);
    await replication.rewind('point-2');
    expect(replication.target.equals(source.contentOf('snapshot-2'))).toBe(true);
  });
});
