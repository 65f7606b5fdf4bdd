import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { success } from '../../shared/errors/result.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext, CommandHandlers } from '../runtime/types.ts';
import { standAtPoint } from './apply.ts';
import { describeMasterTarget } from './describe.ts';
import { takeInGrowth } from './growth.ts';
import type { DiskRecord } from './journal-records.ts';
import { letGoOf } from './locate-device.ts';
import { isDamagedRecord, ReplicationFolder } from './replication-folder.ts';
import type { ReplicationGate } from './replication-gate.ts';
import type { RetentionVolume } from './retention-volume.ts';
import { forgetOlderPoints, makeRoom, type RetentionPolicy } from './retention.ts';
import { replicateToAzure } from './reverse.ts';
import { rewindTo } from './rewind.ts';
import { SealQueue } from './seal-queue.ts';
import { laneStates } from './staging.ts';
import { asJournalError, isPassing, waitingForStorage } from './storage-error.ts';
import { TargetDisk } from './target-disk.ts';
import { verifyDisks } from './verify.ts';

export interface MasterTargetParts {
  readonly retentionFolder: string;
  /** Identity, certificate and results: not what the retention volume is for. */
  readonly dataFolder: string;
  readonly volume: Pick<RetentionVolume, 'wait' | 'claim' | 'expectThere'>;
  readonly retention: RetentionPolicy;
  readonly osType: 'Linux' | 'Windows';
  /** The one that signs its certificate, where the configuration names one. */
  readonly configurationServer?: string | undefined;
  readonly gate: ReplicationGate;
  readonly transferAddress: { readonly host: string; readonly port: number };
  /** Path of prepare-linux.sh, which says how the machine is prepared. */
  readonly prepareScript: string;
}

/** The commands of the master target. */
export function createMasterTargetHandlers(parts: MasterTargetParts): CommandHandlers {
  const { retentionFolder, volume, retention } = parts;
  const seals = new SealQueue();
  const { folderOf, knownFolder, openFolder, alone, withRoom } = accessOf(parts);
  return {
    verifyMasterTarget: async () => success(await describeMasterTarget(parts)),
    openTarget: async (input, context) =>
      alone(input.replicationId, context, async () => {
        const folder = folderOf(input.replicationId);
        const open = async (): ReturnType<typeof openTarget> => {
          await volume.claim();
          return openTarget(folder, input);
        };
        return success(await withRoom(context, open));
      }),
    sealRecoveryPoint: async (input, context) =>
      alone(input.replicationId, context, async () => {
        const folder = await openFolder(input.replicationId);
        const { meter, onBytes } = await meterOf(context, 'sealing', await stagedBytes(folder));
        const options = { folder, retention, signal: context.signal, onBytes };
        const wait = { context, meter, volume: retentionFolder };
        return success(await seals.seal(options, input, wait));
      }),
    discardUnsealed: async ({ replicationId }, context) =>
      alone(replicationId, context, async () => {
        const folder = folderOf(replicationId);
        if (!(await folder.exists())) return success({ sealedPointId: null });
        await withRoom(context, async () => discardUnsealed(folder));
        return success({ sealedPointId: await sealedPointId(folder) });
      }),
    rewindToPoint: async ({ replicationId, pointId }, context) =>
      alone(replicationId, context, async () => {
        const folder = await openFolder(replicationId);
        const rewind = async (): ReturnType<typeof rewindTo> => rewindTo(folder, pointId);
        const forget = async (): Promise<void> =>
          makeRoom(folder, { ...retention, keepPointId: pointId });
        return success(await withRoom(context, rewind, forget));
      }),
    forgetOlderPoints: async ({ replicationId }, context) =>
      alone(replicationId, context, async () => {
        const folder = folderOf(replicationId);
        const forget = async (): Promise<number> => forgetOlderPoints(folder);
        return success({ forgottenPoints: await withRoom(context, forget) });
      }),
    verifyDisks: async ({ replicationId, pointId, sampleShare }, context) =>
      alone(replicationId, context, async () => {
        const folder = await knownFolder(replicationId);
        const { onBytes } = await meterOf(context, 'comparing', await diskBytes(folder));
        const { signal } = context;
        return success(await verifyDisks({ folder, pointId, sampleShare, signal, onBytes }));
      }),
    closeTarget: async ({ replicationId, forget }, context) =>
      alone(replicationId, context, async () => {
        const folder = folderOf(replicationId);
        const wasOpen = await folder.exists();
        if (!forget && wasOpen) await withRoom(context, async () => closeFolder(folder));
        for (const { device } of await disksToLetGo(folder, forget)) await letGoOf(device);
        // Also what a crash left of it.
        if (forget) await withRoom(context, async () => folder.remove());
        return success({ wasOpen });
      }),
    replicateToAzure: async (input, context) => {
      await volume.wait(context);
      const folder = await knownFolder(input.replicationId);
      return success(await withRoom(context, async () => replicateToAzure(folder, input, context)));
    },
  };
}

/** What all commands have in common. */
function accessOf(parts: Pick<MasterTargetParts, 'retentionFolder' | 'volume' | 'gate'>) {
  const { retentionFolder, volume, gate } = parts;
  const folderOf = (replicationId: string): ReplicationFolder =>
    new ReplicationFolder(retentionFolder, replicationId);
  const knownFolder = async (replicationId: string): Promise<ReplicationFolder> => {
    const folder = folderOf(replicationId);
    if (!(await folder.exists())) throw new FailbackError('FB-JRN-001', { replicationId });
    return folder;
  };
  /** For what writes to the disks: closed, they are those of a VM that may run. */
  const openFolder = async (replicationId: string): Promise<ReplicationFolder> => {
    const folder = folderOf(replicationId);
    if (!(await folder.isOpen())) throw new FailbackError('FB-JRN-001', { replicationId });
    return folder;
  };
  const alone = async <T>(
    replicationId: string,
    context: CommandContext,
    work: () => Promise<T>,
  ): Promise<T> => {
    await volume.wait(context);
    return gate.alone(replicationId, work).catch((error: unknown) => {
      throw asJournalError(error, retentionFolder);
    });
  };
  /** Whatever a command writes, a full volume holds it up and does not end it. */
  const withRoom = async <T>(
    context: CommandContext,
    work: () => Promise<T>,
    makeRoom?: () => Promise<void>,
  ): Promise<T> => {
    const meter = new ProgressMeter(() => Date.now());
    return waitingForStorage(work, { context, meter, volume: retentionFolder, makeRoom });
  };
  return { folderOf, knownFolder, openFolder, alone, withRoom };
}

/**
 * Opening again keeps what was received; a crash in the middle of applying is made good first, on the disks as large as
 * they were then. Only after that one that is larger now counts as larger.
 */
async function openTarget(
  folder: ReplicationFolder,
  { disks }: CommandInput<'openTarget'>,
): Promise<CommandOutput<'openTarget'>> {
  for (const { diskId, device, sizeBytes } of disks) {
    const disk = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: false });
    await disk.close();
  }
  const known = await folder.disks();
  const before = disks.map((disk) => asKnown(disk, known));
  await folder.writeDisks(before, true);
  await standAtPoint(folder);
  await folder.writeDisks(await takeInGrowth(folder, before, disks), true);
  return { sealedPointId: await sealedPointId(folder) };
}

/** What is sealed goes to the disks, unless they are the VM's again: then nothing is left to be written. */
async function discardUnsealed(folder: ReplicationFolder): Promise<void> {
  if (await folder.isOpen()) await standAtPoint(folder);
  // Parts of a sealed point are not thrown away.
  if ((await folder.journal()).pending === null) await folder.clearStaged();
}

/**
 * The disks are the VM's from here on: what is pending is brought there before, because afterwards nothing is. Where
 * that fails it is closed all the same, and stays refused, so that no VM starts from disks between two points.
 */
async function closeFolder(folder: ReplicationFolder): Promise<void> {
  const close = async (): Promise<void> => folder.writeDisks(await folder.disks(), false);
  if (await folder.isOpen()) {
    try {
      await standAtPoint(folder);
    } catch (error) {
      // Waited for, and tried again.
      if (!isPassing(asJournalError(error, folder.folder))) await close();
      throw error;
    }
    return close();
  }
  const { points, pending } = await folder.journal();
  // Whoever closed it may not have come so far as to make that durable.
  if (pending === null) return folder.settle();
  const pointId = points.at(-1)?.pointId ?? 'none';
  throw new FailbackError('FB-JRN-002', {
    diskId: 'all',
    pointId,
    reason: 'the disks were given back before all of it was written to them',
  });
}

/** Damage must not keep a replication from being forgotten: that is what ends it. */
async function disksToLetGo(
  folder: ReplicationFolder,
  forget: boolean,
): Promise<readonly DiskRecord[]> {
  try {
    return await folder.disks();
  } catch (error) {
    if (forget && isDamagedRecord(error)) return [];
    throw error;
  }
}

/** Whoever opens it again may still think that the disk is blank, and does not know what became of it here. */
function asKnown(
  disk: CommandInput<'openTarget'>['disks'][number],
  known: readonly DiskRecord[],
): DiskRecord {
  const left = known.find(({ diskId }) => diskId === disk.diskId);
  if (left === undefined) return disk;
  const { firstPointId, firstSnapshotName, growth } = left;
  const sizeBytes = Math.min(left.sizeBytes, disk.sizeBytes);
  return { ...disk, sizeBytes, firstPointId, firstSnapshotName, growth };
}

async function sealedPointId(folder: ReplicationFolder): Promise<string | null> {
  return (await folder.journal()).points.at(-1)?.pointId ?? null;
}

async function meterOf(
  context: CommandContext,
  step: string,
  bytes: number,
): Promise<{ readonly meter: ProgressMeter; readonly onBytes: (bytes: number) => void }> {
  const meter = new ProgressMeter(() => Date.now());
  meter.expect(bytes, 0);
  const onBytes = (done: number): void => {
    meter.add(done, 0);
    context.reportProgress(meter.read(step));
  };
  return { meter, onBytes };
}

async function diskBytes(folder: ReplicationFolder): Promise<number> {
  return (await folder.disks()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function stagedBytes(folder: ReplicationFolder): Promise<number> {
  let bytes = 0;
  for (const { diskId } of await folder.disks()) {
    const staged = await folder.staged(diskId);
    const lanes = staged === null ? [] : await laneStates(folder, diskId, staged);
    bytes += lanes.reduce((sum, { redoLength }) => sum + redoLength, 0);
  }
  return bytes;
}
