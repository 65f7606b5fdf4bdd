import { COMMANDS } from '../../shared/contracts/commands.ts';
import { type DataAccess, dataAccessSchema } from '../../shared/contracts/agent-protocol.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import { itemOfCommand } from '../../shared/services/release-source-access.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { agentRoute } from '../support/route.ts';
import { validate } from '../support/validate.ts';
import { commandParams, ownCommand } from './commands.ts';

/** Short-lived SAS URLs for exactly what the command names; they exist in this answer only. */
export const dataAccessRoute = agentRoute({
  name: 'agentDataAccess',
  method: 'POST',
  path: 'agents/{agentId}/commands/{commandId}/data-access',
  summary: 'Short-lived access to the data that a command names',
  params: commandParams,
  responses: { 200: { description: 'URLs with access; secrets.', schema: dataAccessSchema } },
  handle: async (call, deps) => {
    const command = await ownCommand(call, deps);
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
  },
});

async function snapshotAccess(deps: FunctionDeps, command: CommandRecord): Promise<DataAccess> {
  const { snapshotName, baseSnapshotName } = validate(COMMANDS.replicateDisk.input, command.input);
  const item = await itemOfCommand(deps.stores, command);
  if (item === null) throw new FailbackError('FB-REQ-002', { kind: 'job of', id: command.id });
  const names = { snapshot: snapshotName, base: baseSnapshotName ?? null };
  const granted = await grantedWithinBudget(deps, item.resourceGroup, names);
  if (granted === null) throw new FailbackError('FB-AZ-004', { snapshotName });
  // A base that is gone or does not fit is no error: the planner then compares or copies everything.
  const { kind, source, base, baseRefusal } = granted;
  return {
    sourceKind: kind,
    sourceUrl: source.url.reveal(),
    ...(base === null ? {} : { baseUrl: base.url.reveal() }),
    ...(baseRefusal === null ? {} : { baseRefusal }),
    expiresAt: source.expiresAt.toISOString(),
  };
}

interface Names {
  readonly snapshot: string;
  readonly base: string | null;
}

/**
 * What was granted to this command before counts against the budget as well: to the same program shortly before it is
 * renewed, or to one that was restarted and has forgotten it. Where Azure refuses, that is given up; the agent asks
 * again until there is room.
 */
async function grantedWithinBudget(
  { snapshots }: FunctionDeps,
  resourceGroup: string,
  names: Names,
): ReturnType<FunctionDeps['snapshots']['grantRead']> {
  try {
    return await snapshots.grantRead(resourceGroup, names);
  } catch (error) {
    if (error instanceof FailbackError && error.code === 'FB-AZ-006') {
      const { snapshot, base } = names;
      await snapshots.release(resourceGroup, base === null ? [snapshot] : [snapshot, base]);
    }
    throw error;
  }
}

async function replicaAccess(deps: FunctionDeps, command: CommandRecord): Promise<DataAccess> {
  const { replicaBlobName } = validate(COMMANDS.replicateToAzure.input, command.input);
  const { url, expiresAt } = await deps.replicas.grantWrite(replicaBlobName);
  return { replicaUrl: url.reveal(), expiresAt: expiresAt.toISOString() };
}
