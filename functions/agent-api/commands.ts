import type { HttpRequest } from '@azure/functions';
import {
  type CommandEnvelope,
  commandProgressSchema,
  commandResultSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { COMMANDS } from '../../shared/contracts/commands.ts';
import { commandEventName, jobIdOf } from '../../shared/contracts/orchestrations.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import { releaseSourceAccess } from '../../shared/services/release-source-access.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, readBody, validate } from '../support/http.ts';
import { breakOff } from '../jobs/break-off.ts';
import { authenticate } from './authenticate.ts';

/** The command of the route, if it is the caller's own. */
export async function ownCommand(request: HttpRequest, deps: FunctionDeps): Promise<CommandRecord> {
  const agent = await authenticate(request, deps);
  const id = request.params['commandId'] ?? '';
  const command = (await deps.stores.commands.get(id))?.value;
  if (command === undefined || command.agentId !== agent.id) {
    throw new FailbackError('FB-REQ-002', { kind: 'command', id });
  }
  return command;
}

export const getCommand: Handle = async (request, deps) => {
  const { id, name, input, deadlineAt, result } = await ownCommand(request, deps);
  const state = result === null ? 'pending' : result.ok ? 'succeeded' : 'failed';
  const envelope: CommandEnvelope = { commandId: id, name, input, deadline: deadlineAt, state };
  return { jsonBody: envelope };
};

export const reportProgress: Handle = async (request, deps) => {
  const { id } = await ownCommand(request, deps);
  const progress = await readBody(request, commandProgressSchema);
  const progressAt = deps.clock.now().toISOString();
  await updateRecord(deps.stores.commands, id, (command) =>
    command.result === null ? { ...command, progress, progressAt } : command,
  );
  return { status: 204 };
};

/**
 * The first result stays; a repeated one is accepted and changes nothing. Then the waiting part is woken,
 * and the access that the command had is ended.
 */
export const reportResult: Handle = async (request, deps) => {
  const command = await ownCommand(request, deps);
  const { id, name, instanceId } = command;
  const body = await readBody(request, commandResultSchema);
  const result: Result<unknown> = body.ok
    ? success(validate(COMMANDS[name].output, body.value))
    : failure(body.error);
  let isFirst = false;
  await updateRecord(deps.stores.commands, id, (current) => {
    isFirst = current.result === null;
    return isFirst ? { ...current, result } : current;
  });
  // Only once: later on the same snapshots may be in use again, as the base of the next command.
  const released = isFirst ? releaseQuietly(deps, command) : Promise.resolve();
  if (instanceId !== '') await deps.orchestrator.wake(instanceId, commandEventName(id));
  await released;
  if (isFirst && !result.ok && name === 'replicateDisk') await breakOffSiblings(deps, id);
  return { status: 204 };
};

/** The point is lost when one of its disks is: the others would travel for days for nothing. */
async function breakOffSiblings(deps: FunctionDeps, commandId: string): Promise<void> {
  await breakOff(deps, jobIdOf(commandId), {
    names: ['replicateDisk'],
    error: errorRecord('FB-DATA-008'),
  });
}

/** The result is safe already; access that cannot be ended now is ended when the snapshots are pruned. */
async function releaseQuietly(deps: FunctionDeps, command: CommandRecord): Promise<void> {
  try {
    await releaseSourceAccess(deps, command);
  } catch {
    // The records of job and item cannot be read; what Azure refuses is logged by the port.
  }
}
