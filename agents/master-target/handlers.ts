import { accessSync, constants, mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { success } from '../../shared/errors/result.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';
import type { CommandHandlers } from '../runtime/types.ts';
import { ReplicationFolder } from './replication-folder.ts';
import { replicateToAzure } from './reverse.ts';
import { applySealed, sealPoint } from './seal.ts';
import type { Sessions } from './session.ts';
import { asJournalError } from './storage-error.ts';
import { TargetDisk } from './target-disk.ts';
import { verifyDisks } from './verify.ts';

export interface MasterTargetParts {
  readonly retentionFolder: string;
  readonly osType: 'Linux' | 'Windows';
  readonly sessions: Sessions;
  readonly transferAddress: { readonly host: string; readonly port: number };
}

/** The commands of the master target. */
export function createMasterTargetHandlers(parts: MasterTargetParts): CommandHandlers {
  const { retentionFolder, sessions } = parts;
  const folderOf = (replicationId: string): ReplicationFolder =>
    new ReplicationFolder(retentionFolder, replicationId);
  const openFolder = (replicationId: string): ReplicationFolder => {
    const folder = folderOf(replicationId);
    if (!folder.exists) throw new FailbackError('FB-JRN-001', { replicationId });
    return folder;
  };
  return {
    verifyMasterTarget: async () => success(await describe(parts)),
    openTarget: async (input) => success(await openTarget(folderOf(input.replicationId), input)),
    sealRecoveryPoint: async (input) => {
      try {
        return success(await sealPoint(openFolder(input.replicationId), input));
      } catch (error) {
        throw asJournalError(error);
      }
    },
    discardUnsealed: async ({ replicationId }) => {
      await sessions.closeAll(replicationId);
      const folder = folderOf(replicationId);
      if (!folder.exists) return success({ sealedPointId: null });
      await applySealed(folder);
      await folder.clearStaged();
      return success({ sealedPointId: (await folder.sealed())?.pointId ?? null });
    },
    verifyDisks: async ({ replicationId, pointId }, context) => {
      const folder = openFolder(replicationId);
      const meter = new ProgressMeter(() => Date.now());
      const disks = await folder.disks();
      meter.expect(
        disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        disks.length,
      );
      const onBytes = (bytes: number): void => {
        meter.add(bytes, 0);
        context.reportProgress(meter.read('comparing'));
      };
      const { signal } = context;
      return success(await verifyDisks({ folder, pointId, signal, onBytes }));
    },
    closeTarget: async ({ replicationId, forget }) => {
      await sessions.closeAll(replicationId);
      const folder = folderOf(replicationId);
      const wasOpen = folder.exists;
      if (wasOpen && forget) await folder.remove();
      else if (wasOpen) await folder.writeDisks(await folder.disks(), false);
      return success({ wasOpen });
    },
    replicateToAzure: async (input, context) =>
      success(await replicateToAzure(openFolder(input.replicationId), input, context)),
  };
}

async function describe({
  retentionFolder,
  osType,
  transferAddress,
}: MasterTargetParts): Promise<CommandOutput<'verifyMasterTarget'>> {
  mkdirSync(retentionFolder, { recursive: true });
  const { bavail, bsize } = statfsSync(retentionFolder);
  const known = readdirSync(retentionFolder).map(
    (id) => new ReplicationFolder(retentionFolder, id),
  );
  const areOpen = await Promise.all(known.map((folder) => folder.isOpen()));
  const open = known.filter((_folder, index) => areOpen[index] === true);
  const disks = await Promise.all(open.map((folder) => folder.disks()));
  return {
    version: AGENT_VERSION,
    osType,
    retentionVolume: {
      freeBytes: bavail * bsize,
      isSeparateVolume: statSync(retentionFolder).dev !== statSync(dirname(retentionFolder)).dev,
      isWritable: isWritable(retentionFolder),
    },
    openReplications: open.length,
    attachedDiskCount: disks.flat().length,
    transferAddress,
  };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Opening again keeps what was received; a crash in the middle of applying is made good first. */
async function openTarget(
  folder: ReplicationFolder,
  { disks }: CommandInput<'openTarget'>,
): Promise<CommandOutput<'openTarget'>> {
  for (const { diskId, device, sizeBytes } of disks) {
    const disk = await TargetDisk.open(diskId, device, { sizeBytes, isReadOnly: false });
    await disk.close();
  }
  await folder.writeDisks(disks, true);
  await applySealed(folder);
  return { sealedPointId: (await folder.sealed())?.pointId ?? null };
}
