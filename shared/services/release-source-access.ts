import { COMMANDS } from '../contracts/commands.ts';
import { jobIdOf } from '../contracts/orchestrations.ts';
import type { ProtectedItem } from '../domain/protected-item.ts';
import type { DiskSnapshots } from '../ports/azure.ts';
import type { CommandRecord, Stores } from '../ports/stores.ts';

interface Deps {
  readonly stores: Stores;
  readonly snapshots: DiskSnapshots;
}

/** The item that a command works for; `null` when the job or the item is gone. */
export async function itemOfCommand(
  stores: Stores,
  command: Pick<CommandRecord, 'id'>,
): Promise<ProtectedItem | null> {
  const job = await stores.jobs.get(jobIdOf(command.id));
  const item = job === null ? null : await stores.items.get(job.value.itemId);
  return item?.value ?? null;
}

/**
 * Ends the read access of a command that has ended, whatever its result: five of a snapshot family may
 * be open at once. Does nothing for other commands. Throws only when the records cannot be read.
 */
export async function releaseSourceAccess(
  { stores, snapshots }: Deps,
  command: Pick<CommandRecord, 'id' | 'name' | 'input'>,
): Promise<void> {
  if (command.name !== 'replicateDisk') return;
  const input = COMMANDS.replicateDisk.input.safeParse(command.input).data;
  const item = await itemOfCommand(stores, command);
  if (input === undefined || item === null) return;
  const { snapshotName, baseSnapshotName } = input;
  const names = baseSnapshotName === undefined ? [snapshotName] : [snapshotName, baseSnapshotName];
  await snapshots.release(item.resourceGroup, names);
}
