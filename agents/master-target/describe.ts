import { accessSync, constants, statfsSync } from 'node:fs';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { MasterTargetLoad } from '../../shared/domain/choose-master-target.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';
import type { MasterTargetParts } from './handlers.ts';
import { linuxPreparation } from './linux-preparation.ts';
import { isDamagedRecord, ReplicationFolder, replicationIds } from './replication-folder.ts';
import { isOnVolumeOfItsOwn } from './separate-volume.ts';

type Described = Omit<MasterTargetParts, 'gate'>;

/** What the choice among several master targets goes by. Throws FB-JRN-012. */
export async function loadOf({
  retentionFolder,
  volume,
  osType,
  configurationServer,
}: Pick<
  Described,
  'retentionFolder' | 'volume' | 'osType' | 'configurationServer'
>): Promise<MasterTargetLoad> {
  await volume.expectThere();
  const { bavail, bsize } = statfsSync(retentionFolder);
  const known = (await replicationIds(retentionFolder)).map(
    (id) => new ReplicationFolder(retentionFolder, id),
  );
  const open = (await Promise.all(known.map(attachedDisks))).filter((disks) => disks !== null);
  return {
    osType,
    openReplications: open.length,
    attachedDiskCount: open.reduce((sum, count) => sum + count, 0),
    retentionFreeBytes: bavail * bsize,
    ...(configurationServer === undefined ? {} : { configurationServer }),
  };
}

/**
 * How many disks an open replication has, `null` for one that is closed. A damaged one counts as open, without disks: it
 * is a load only, and must not keep the others, and the failback that forgets it, from this master target.
 */
async function attachedDisks(folder: ReplicationFolder): Promise<number | null> {
  try {
    return (await folder.isOpen()) ? (await folder.disks()).length : null;
  } catch (error) {
    if (isDamagedRecord(error)) return 0;
    throw error;
  }
}

/** Facts for preflight. */
export async function describeMasterTarget(
  parts: Described,
): Promise<CommandOutput<'verifyMasterTarget'>> {
  const { retentionFolder, dataFolder, retention, osType, transferAddress, prepareScript } = parts;
  const { openReplications, attachedDiskCount, retentionFreeBytes } = await loadOf(parts);
  const machine =
    osType === 'Linux' ? await linuxPreparation(prepareScript, retentionFolder) : null;
  return {
    version: AGENT_VERSION,
    osType,
    retentionVolume: {
      freeBytes: retentionFreeBytes,
      isSeparateVolume:
        machine?.isRetentionSeparate === true || isOnVolumeOfItsOwn(retentionFolder, dataFolder),
      isWritable: isWritable(retentionFolder),
    },
    retentionSeconds: retention.maxAgeHours * 3600,
    openReplications,
    attachedDiskCount,
    transferAddress,
    linuxPreparation: machine?.preparation ?? null,
    observedAt: new Date().toISOString(),
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
