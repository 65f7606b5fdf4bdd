import { statSync } from 'node:fs';
import { must } from '../must.ts';
import type { Journal } from '../../../agents/master-target/journal-records.ts';
import { codeOf, type Machine, receive, RETENTION, seal } from './machine.ts';
import type { RecordingFiles } from './recorded-folder.ts';
import { REPLICATION_ID, type Transfer } from './transfer.ts';

/**
 * The program dies right after the rename that seals, and a byte of what was received of the last disk goes bad:
 * whoever applies the point finds that when the other disk is there. Nor can the point be sealed anew from it.
 */
export async function sealAndDamage(
  { code, root, folder: { folder } }: Machine,
  transfer: Transfer,
  files: RecordingFiles,
): Promise<void> {
  class CrashingFolder extends code.ReplicationFolder {
    override async writeJournal(journal: Journal): Promise<void> {
      await super.writeJournal(journal);
      throw new Error('crash');
    }
  }
  const crashing = new CrashingFolder(`${root}/retention`, REPLICATION_ID);
  if (crashing.folder !== folder) throw new Error('another folder');
  await receive({ code, root, folder: crashing }, transfer, { keepPointId: null });
  const { pointId } = transfer.point;
  const { signal } = new AbortController();
  const options = { folder: crashing, retention: RETENTION, signal, onBytes: () => undefined };
  const diskIds = transfer.disks.map(({ diskId }) => diskId);
  const takenAt = new Date().toISOString();
  const point = { replicationId: REPLICATION_ID, pointId, takenAt } as const;
  await code
    .sealPoint(options, { ...point, diskIds, consistency: 'crashConsistent' })
    .catch((error: unknown) => {
      if (!String(error).includes('crash')) throw error;
    });
  if ((await crashing.journal()).pending?.kind !== 'apply') throw new Error('not sealed');
  const redo = crashing.redoFile(must(diskIds.at(-1), 'a disk'), 0);
  const open = must(files.module.open, 'open');
  const handle = await open(redo, 'r+');
  try {
    const at = statSync(redo).size - 1;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
    buffer.writeUInt8(buffer.readUInt8(0) ^ 1, 0);
    await handle.write(buffer, 0, 1, at);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The seal comes again, and is refused: the disks go back to the point before. */
export async function expectWithdrawn(machine: Machine, transfer: Transfer): Promise<void> {
  const isRefused = await seal(machine, transfer).then(
    () => false,
    (error: unknown) => {
      if (codeOf(error) !== 'FB-JRN-002') throw error;
      return true;
    },
  );
  if (!isRefused) throw new Error('the damaged point was sealed');
}
