import type { TimerTask } from 'durable-functions';
import type { CommandInput, CommandName, CommandOutput } from '../../shared/contracts/commands.ts';
import {
  commandEventName,
  commandId,
  type OrchestrationInput,
} from '../../shared/contracts/orchestrations.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, type Result } from '../../shared/errors/result.ts';
import { POLL_MS } from '../../shared/policy/deadlines.ts';
import { callActivity, type Context, later, type Steps, unwrap } from './steps.ts';

interface CommandCall<N extends CommandName> {
  readonly jobId: string;
  /** Unique within the job: the same step sent twice is answered with the first result. */
  readonly step: string;
  readonly agentId: string;
  readonly name: N;
  readonly input: CommandInput<N>;
  readonly deadlineMs: number;
}

/** Sends a command and waits for its result. Throws StepFailure with what the agent reported. */
export function* runCommand<N extends CommandName>(
  context: Context,
  call: CommandCall<N>,
): Steps<CommandOutput<N>> {
  return unwrap(yield* tryCommand(context, call));
}

/** As runCommand, with the failure as a value, for callers that expect one. */
export function* tryCommand<N extends CommandName>(
  context: Context,
  call: CommandCall<N>,
): Steps<Result<CommandOutput<N>>> {
  const { jobId, step, ...rest } = call;
  const result = yield* awaitCommand(context, { ...rest, commandId: commandId(jobId, step) });
  return result as Result<CommandOutput<N>>;
}

/**
 * Send → wait for the event or a timer → read the record. The event only wakes and may be lost or come
 * twice. Each round has a waiter of its own: a pending task in a second `any` would be scheduled again,
 * and the newest waiter of a name is the one that gets the event.
 */
export function* awaitCommand(
  context: Context,
  command: OrchestrationInput<'command'>,
): Steps<Result<unknown>> {
  const { commandId: id, agentId, name, input, deadlineMs } = command;
  const deadline = later(context, deadlineMs);
  yield* callActivity(context, 'sendCommand', {
    commandId: id,
    agentId,
    name,
    input,
    deadlineAt: deadline.toISOString(),
    instanceId: context.df.instanceId,
  });
  for (
    let pauseMs: number = POLL_MS.commandFirst;
    ;
    pauseMs = Math.min(pauseMs * 2, POLL_MS.commandMax)
  ) {
    yield* waitForEvent(context, commandEventName(id), pauseMs);
    const { result } = yield* callActivity(context, 'readCommand', { commandId: id });
    if (result !== null) return result;
    if (context.df.currentUtcDateTime.getTime() >= deadline.getTime()) {
      return yield* giveUp(context, command);
    }
  }
}

/** True when the event came, false when the time ran out. The losing timer is cancelled. */
export function* waitForEvent(context: Context, name: string, timeoutMs: number): Steps<boolean> {
  const event = context.df.waitForExternalEvent(name);
  const timer: TimerTask = context.df.createTimer(later(context, timeoutMs));
  const winner = yield context.df.Task.any([event, timer]);
  if (winner === timer) return false;
  timer.cancel();
  return true;
}

function* giveUp(
  context: Context,
  { commandId: id, agentId, name, deadlineMs }: OrchestrationInput<'command'>,
): Steps<Result<never>> {
  const minutes = Math.round(deadlineMs / 60_000);
  const error = errorRecord('FB-ORC-003', { agentId, command: name, minutes });
  yield* callActivity(context, 'abandonCommand', { commandId: id, error });
  return failure(error);
}
