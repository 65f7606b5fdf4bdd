import type { Journal } from '../../../agents/master-target/journal-records.ts';
import { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { sealPoint } from '../../../agents/master-target/seal.ts';
import { DISK_ID, type LabReplication } from './lab-replication.ts';
import type { LabSite } from './lab-site.ts';

/** The program dies right after it wrote a journal. */
export class CrashingFolder extends ReplicationFolder {
  override async writeJournal(journal: Journal): Promise<void> {
    await super.writeJournal(journal);
    throw new Error('crash');
  }
}

/** The program dies right after the rename that seals: nothing of the point is on the disk. */
export async function sealAndCrash(
  { retentionFolder }: LabSite,
  { replicationId }: LabReplication,
  pointId: string,
): Promise<void> {
  const folder = new CrashingFolder(retentionFolder, replicationId);
  const retention = { maxPoints: 3, maxAgeHours: 24 };
  const { signal } = new AbortController();
  const options = { folder, retention, signal, onBytes: () => undefined };
  const takenAt = new Date().toISOString();
  const point = { replicationId, pointId, takenAt, consistency: 'crashConsistent' } as const;
  const seal = sealPoint(options, { ...point, diskIds: [DISK_ID] });
  const hasCrashed = await seal.then(
    () => false,
    (error: unknown) => error instanceof Error && error.message === 'crash',
  );
  if (!hasCrashed) throw new Error('the seal did not come as far as the crash');
}
