import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import type { Vm } from './vm-access.ts';

/** Returns how many there were. A disk that stands on one that is gone already is put together too. */
export async function removeSnapshots(
  session: VimSession,
  { ref: self, record }: Vm,
): Promise<number> {
  const { snapshots, disks } = record;
  if (snapshots.length > 0) {
    await runTask(session, 'RemoveAllSnapshots_Task', { self, parameters: { consolidate: true } });
  } else if (disks.some(({ hasParent }) => hasParent)) {
    await runTask(session, 'ConsolidateVMDisks_Task', { self, parameters: {} });
  }
  return snapshots.length;
}
