import { COMMANDS } from '../../shared/contracts/commands.ts';
import type { DataAccess } from '../../shared/contracts/agent-protocol.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, validate } from '../support/http.ts';
import { ownCommand } from './commands.ts';

/** Short-lived SAS URLs for exactly what the command names; they exist in this answer only. */
export const grantDataAccess: Handle = async (request, deps) => {
  const command = await ownCommand(request, deps);
  const ended = { kind: 'open command', id: command.id };
  if (command.result !== null) throw new FailbackError('FB-REQ-002', ended);
  switch (command.name) {
    case 'replicateDisk':
      return { jsonBody: await snapshotAccess(deps, command) };
    case 'replicateToAzure':
      return { jsonBody: await replicaAccess(deps, command) };
    default:
      throw new FailbackError('FB-REQ-002', { ...ended, kind: 'command that moves data' });
  }
};

async function snapshotAccess(deps: FunctionDeps, command: CommandRecord): Promise<DataAccess> {
  const input = validate(COMMANDS.replicateDisk.input, command.input);
  const { resourceGroup } = await itemOf(deps, command);
  const source = await deps.snapshots.grantRead(resourceGroup, input.snapshotName);
  if (source === null) {
    throw new FailbackError('FB-AZ-004', { snapshotName: input.snapshotName });
  }
  // A base that is gone is no error: the planner then compares or copies everything.
  const base =
    input.baseSnapshotName === undefined
      ? null
      : await deps.snapshots.grantRead(resourceGroup, input.baseSnapshotName);
  return {
    sourceUrl: source.url.reveal(),
    ...(base === null ? {} : { baseUrl: base.url.reveal() }),
    expiresAt: source.expiresAt.toISOString(),
  };
}

async function replicaAccess(deps: FunctionDeps, command: CommandRecord): Promise<DataAccess> {
  const { replicaBlobName } = validate(COMMANDS.replicateToAzure.input, command.input);
  const { url, expiresAt } = await deps.replicas.grantWrite(replicaBlobName);
  return { replicaUrl: url.reveal(), expiresAt: expiresAt.toISOString() };
}

async function itemOf(
  deps: FunctionDeps,
  command: CommandRecord,
): Promise<{ readonly resourceGroup: string }> {
  const jobId = command.id.split('.', 1)[0] ?? '';
  const job = await deps.stores.jobs.get(jobId);
  const item = job === null ? null : await deps.stores.items.get(job.value.itemId);
  if (item === null) throw new FailbackError('FB-REQ-002', { kind: 'job', id: jobId });
  return item.value;
}
