import { accessSync, constants, mkdirSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CommandOutput } from '../../shared/contracts/commands.ts';
import { AGENT_VERSION } from '../runtime/run-agent.ts';
import type { MasterTargetParts } from './handlers.ts';
import { linuxPreparation } from './linux-preparation.ts';
import { ReplicationFolder } from './replication-folder.ts';

/** Facts for preflight. */
export async function describeMasterTarget({
  retentionFolder,
  retention,
  osType,
  transferAddress,
  prepareScript,
}: Omit<MasterTargetParts, 'gate'>): Promise<CommandOutput<'verifyMasterTarget'>> {
  mkdirSync(retentionFolder, { recursive: true });
  const { bavail, bsize } = statfsSync(retentionFolder);
  const known = readdirSync(retentionFolder).map(
    (id) => new ReplicationFolder(retentionFolder, id),
  );
  const areOpen = await Promise.all(known.map((folder) => folder.isOpen()));
  const open = known.filter((_folder, index) => areOpen[index] === true);
  const disks = await Promise.all(open.map((folder) => folder.disks()));
  const machine =
    osType === 'Linux' ? await linuxPreparation(prepareScript, retentionFolder) : null;
  return {
    version: AGENT_VERSION,
    osType,
    retentionVolume: {
      freeBytes: bavail * bsize,
      isSeparateVolume: machine?.isRetentionSeparate === true || isMountPoint(retentionFolder),
      isWritable: isWritable(retentionFolder),
    },
    retentionSeconds: retention.maxAgeHours * 3600,
    openReplications: open.length,
    attachedDiskCount: disks.flat().length,
    transferAddress,
    linuxPreparation: machine?.preparation ?? null,
    observedAt: new Date().toISOString(),
  };
}

function isMountPoint(folder: string): boolean {
  return statSync(folder).dev !== statSync(dirname(folder)).dev;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
