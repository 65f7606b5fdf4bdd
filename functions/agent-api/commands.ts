import type { HttpRequest } from '@azure/functions';
import {
  type CommandEnvelope,
  commandProgressSchema,
  commandResultSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { COMMANDS } from '../../shared/contracts/commands.ts';
import { commandEventName } from '../../shared/contracts/orchestrations.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import type { CommandRecord } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, readBody, validate } from '../support/http.ts';
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

/** The first result stays; a repeated one is accepted and changes nothing. Then the waiting part is woken. */
export const reportResult: Handle = async (request, deps) => {
  const { id, name, instanceId } = await ownCommand(request, deps);
  const body = await readBody(request, commandResultSchema);
  const result: Result<unknown> = body.ok
    ? success(validate(COMMANDS[name].output, body.value))
    : failure(body.error as ErrorRecord);
  await updateRecord(deps.stores.commands, id, (command) =>
    command.result === null ? { ...command, result } : command,
  );
  if (instanceId !== '') await deps.orchestrator.wake(instanceId, commandEventName(id));
  return { status: 204 };
};
