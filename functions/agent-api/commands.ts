import { z } from 'zod';
import {
  type CommandEnvelope,
  commandEnvelopeSchema,
  commandProgressSchema,
  commandResultSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { COMMANDS } from '../../shared/contracts/commands.ts';
import { commandEventName, jobIdOf } from '../../shared/contracts/orchestrations.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import type { AgentRecord, CommandRecord } from '../../shared/ports/stores.ts';
import { releaseSourceAccess } from '../../shared/services/release-source-access.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from '../jobs/break-off.ts';
import { agentRoute } from '../support/route.ts';
import { validate } from '../support/validate.ts';

export const commandParams = z.object({ agentId: z.string(), commandId: z.string() });

interface OwnCommand {
  readonly agent: AgentRecord;
  readonly params: { readonly commandId: string };
}

/** The command of the route, if it is the caller's own. */
export async function ownCommand(
  { agent, params: { commandId: id } }: OwnCommand,
  deps: FunctionDeps,
): Promise<CommandRecord> {
  const command = (await deps.stores.commands.get(id))?.value;
  if (command === undefined || command.agentId !== agent.id) {
    throw new FailbackError('FB-REQ-002', { kind: 'command', id });
  }
  return command;
}

const PATH = 'agents/{agentId}/commands/{commandId}';

export const getCommandRoute = agentRoute({
  name: 'agentCommand',
  method: 'GET',
  path: PATH,
  summary: 'The command behind a queue message',
  params: commandParams,
  responses: { 200: { description: 'The command.', schema: commandEnvelopeSchema } },
  handle: async (call, deps) => {
    const { id, name, input, deadlineAt, result } = await ownCommand(call, deps);
    const state = result === null ? 'pending' : result.ok ? 'succeeded' : 'failed';
    const envelope: CommandEnvelope = { commandId: id, name, input, deadline: deadlineAt, state };
    return { jsonBody: envelope };
  },
});

export const reportProgressRoute = agentRoute({
  name: 'agentProgress',
  method: 'POST',
  path: `${PATH}/progress`,
  summary: 'Reports how far a command has got',
  params: commandParams,
  body: commandProgressSchema,
  responses: { 204: { description: 'Noted.' } },
  handle: async (call, deps) => {
    const { id } = await ownCommand(call, deps);
    const progress = call.body;
    const progressAt = deps.clock.now().toISOString();
    await updateRecord(deps.stores.commands, id, (command) =>
      command.result === null ? { ...command, progress, progressAt } : command,
    );
    return { status: 204 };
  },
});

/**
 * The first result stays; a repeated one is accepted and changes nothing. Then the waiting part is woken,
 * and the access that the command had is ended.
 */
export const reportResultRoute = agentRoute({
  name: 'agentResult',
  method: 'POST',
  path: `${PATH}/result`,
  summary: 'Reports how a command ended',
  params: commandParams,
  body: commandResultSchema,
  responses: { 204: { description: 'Noted; the first result stays.' } },
  handle: async (call, deps) => {
    const { body } = call;
    const command = await ownCommand(call, deps);
    const { id, name, instanceId } = command;
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
  },
});

/** The point is lost when one of its disks is: the others would travel for days for nothing. */
async function breakOffSiblings(deps: FunctionDeps, commandId: string): Promise<void> {
  await breakOff(deps, jobIdOf(commandId), {
    isMeant: ({ name }) => name === 'replicateDisk',
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
