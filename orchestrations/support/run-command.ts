import type { TimerTask } from 'durable-functions';
import type { CommandInput, CommandName, CommandOutput } from '../../shared/contracts/commands.ts';
import {
  commandEventName,
  commandId,
  type OrchestrationInput,
  partInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, type Result } from '../../shared/errors/result.ts';
import { POLL_MS } from '../../shared/policy/deadlines.ts';
import {
  COMMAND_LOOKS_PER_EXECUTION,
  HELD_UP_TURNS,
  ROOM_TURNS,
} from '../../shared/policy/limits.ts';
import { refuseIfCancelled } from './gate.ts';
import {
  asResult,
  callActivity,
  callOrchestration,
  type Context,
  later,
  type Steps,
  unwrap,
} from './steps.ts';

interface CommandCall<N extends CommandName> {
  readonly jobId: string;
  /** Unique within the job: the same step sent twice is answered with the first result. */
  readonly step: string;
  readonly agentId: string;
  readonly name: N;
  readonly input: CommandInput<N>;
  readonly deadlineMs: number;
  /** What to do when the hypervisor was away, or a volume full, for all of that time; absent = it fails. */
  readonly whenHeldUp?: 'askAgain' | 'askAgainUnlessCancelled';
}

/** One command sent, its failure as a value. */
type Sent<N extends CommandName> = Omit<CommandCall<N>, 'whenHeldUp'>;
type Attempt = <N extends CommandName>(
  context: Context,
  call: Sent<N>,
) => Steps<Result<CommandOutput<N>>>;

/** Sends a command and waits for its result. Throws StepFailure with what the agent reported. */
export function* runCommand<N extends CommandName>(
  context: Context,
  { whenHeldUp, ...call }: CommandCall<N>,
  attempt: Attempt = tryCommand,
): Steps<CommandOutput<N>> {
  for (let turn = 0; ; turn += 1) {
    // The agent answers a repeated id with its first result.
    const step = turn === 0 ? call.step : `${call.step}-again-${turn}`;
    const result = yield* attempt(context, { ...call, step });
    if (result.ok || turn >= turnsOf(result.error)) return unwrap(result);
    const asked = { jobId: call.jobId, whenHeldUp };
    if (!(yield* isToBeAskedAgain(context, asked, result.error))) return unwrap(result);
  }
}

function turnsOf({ code }: ErrorRecord): number {
  return code === 'FB-SITE-013' ? ROOM_TURNS : HELD_UP_TURNS;
}

function* isToBeAskedAgain(
  context: Context,
  asked: { readonly jobId: string; readonly whenHeldUp: CommandCall<CommandName>['whenHeldUp'] },
  { category, isRetryable }: ErrorRecord,
): Steps<boolean> {
  // The agent has waited itself until shortly before the deadline: for the hypervisor, or for room on a volume.
  const isHeldUp = (category === 'site' || category === 'dataPlane') && isRetryable;
  if (asked.whenHeldUp === undefined || !isHeldUp) return false;
  if (asked.whenHeldUp === 'askAgainUnlessCancelled')
    yield* refuseIfCancelled(context, asked.jobId);
  return true;
}

/** As runCommand, with the failure as a value, for callers that expect one. */
export function* tryCommand<N extends CommandName>(
  context: Context,
  { jobId, step, ...rest }: Sent<N>,
): Steps<Result<CommandOutput<N>>> {
  const result = yield* awaitCommand(context, { ...rest, commandId: commandId(jobId, step) });
  return result as Result<CommandOutput<N>>;
}

/** As tryCommand, for what may take days: it waits in an orchestration of its own, whose history stays short. */
export function* tryLongCommand<N extends CommandName>(
  context: Context,
  { jobId, step, ...call }: Sent<N>,
): Steps<Result<CommandOutput<N>>> {
  const command = { commandId: commandId(jobId, step), ...call };
  const waiting = callOrchestration(context, 'command', command, partInstanceId(jobId, step));
  return (yield* asResult(waiting)) as Result<CommandOutput<N>>;
}

/**
 * Send → wait for the event or a timer → read the record. The event only wakes and may be lost or come
 * twice. Each round has a waiter of its own: a pending task in a second `any` would be scheduled again,
 * and the newest waiter of a name is the one that gets the event.
 */
function* awaitCommand(context: Context, command: SentCommand): Steps<Result<unknown>> {
  const deadlineAt = yield* send(context, command);
  for (;;) {
    const result = yield* watchCommand(context, { ...command, deadlineAt });
    if (result !== null) return result;
  }
}

type SentCommand = Omit<OrchestrationInput<'command'>, 'deadlineAt'>;

/** Sends the command and returns when it is to be given up. */
export function* send(context: Context, command: SentCommand): Steps<string> {
  const deadlineAt = later(context, command.deadlineMs).toISOString();
  const { commandId: id, agentId, name, input } = command;
  const { instanceId } = context.df;
  const record = { commandId: id, agentId, name, input, deadlineAt, instanceId };
  yield* callActivity(context, 'sendCommand', record);
  return deadlineAt;
}

/** Looks for the result a limited number of times; `null` when it is not there by then. */
export function* watchCommand(
  context: Context,
  command: SentCommand & { readonly deadlineAt: string },
): Steps<Result<unknown> | null> {
  const { commandId: id } = command;
  const deadlineMs = Date.parse(command.deadlineAt);
  let pauseMs: number = POLL_MS.commandFirst;
  for (let look = 0; look < COMMAND_LOOKS_PER_EXECUTION; look += 1) {
    const leftMs = deadlineMs - context.df.currentUtcDateTime.getTime();
    yield* waitForEvent(context, commandEventName(id), Math.max(0, Math.min(pauseMs, leftMs)));
    const { result } = yield* callActivity(context, 'readCommand', { commandId: id });
    if (result !== null) return result;
    if (context.df.currentUtcDateTime.getTime() >= deadlineMs) {
      return yield* giveUp(context, command);
    }
    pauseMs = Math.min(pauseMs * 2, POLL_MS.commandMax);
  }
  return null;
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
  { commandId: id, agentId, name, deadlineMs }: SentCommand,
): Steps<Result<never>> {
  const minutes = Math.round(deadlineMs / 60_000);
  const error = errorRecord('FB-ORC-003', { agentId, command: name, minutes });
  yield* callActivity(context, 'abandonCommand', { commandId: id, error });
  return failure(error);
}
