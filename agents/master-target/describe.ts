import { accessSync, constants, statfsSync } from 'node:fs';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import type { MasterTargetLoad } from '../../shared/domain/choose-master-target.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';
import type { MasterTargetParts } from './handlers.ts';
import { linuxPreparation } from './linux-preparation.ts';
import { ReplicationFolder, replicationIds } from './replication-folder.ts';
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
  const areOpen = await Promise.all(known.map((folder) => folder.isOpen()));
  const open = known.filter((_folder, index) => areOpen[index] === true);
  const disks = await Promise.all(open.map((folder) => folder.disks()));
  return {
    osType,
    openReplications: open.length,
    attachedDiskCount: disks.flat().length,
    retentionFreeBytes: bavail * bsize,
    ...(configurationServer === undefined ? {} : { configurationServer }),
  };
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
