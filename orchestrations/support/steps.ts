import * as df from 'durable-functions';
import {
  ACTIVITY_RETRY,
  type ActivityInput,
  type ActivityName,
  type ActivityOutput,
} from '../../shared/contracts/activities.ts';
import type {
  OrchestrationInput,
  OrchestrationName,
  OrchestrationOutput,
} from '../../shared/contracts/orchestrations.ts';
import { type ErrorRecord, errorRecord } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import type { RetryPolicy } from '../../shared/policy/retry.ts';

export type Context = df.OrchestrationContext;

/** A part of an orchestration: called with `yield*`, so that its waits are the orchestration's waits. */
export type Steps<T> = Generator<df.Task, T, unknown>;

/** A permanent failure on its way up to the orchestration, which undoes and reports it. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly record: ErrorRecord;

  constructor(record: ErrorRecord) {
    super(record.message);
    this.record = record;
  }
}

/** Calls an activity with its own retry policy. A permanent failure is thrown as StepFailure. */
export function* callActivity<N extends ActivityName>(
  context: Context,
  name: N,
  input: ActivityInput<N>,
): Steps<ActivityOutput<N>> {
  let outcome: unknown;
  try {
    outcome = yield context.df.callActivityWithRetry(
      name,
      retryOptions(ACTIVITY_RETRY[name]),
      input,
    );
  } catch (error) {
    throw new StepFailure(errorRecord('FB-ORC-001', { activity: name, reason: reasonOf(error) }));
  }
  return unwrap(outcome as Result<ActivityOutput<N>>);
}

/** Runs another orchestration as a part of this one. Its failure is thrown as StepFailure. */
export function* callOrchestration<N extends OrchestrationName>(
  context: Context,
  name: N,
  input: OrchestrationInput<N>,
  instanceId: string,
): Steps<Extract<OrchestrationOutput<N>, { ok: true }>['value']> {
  let outcome: unknown;
  try {
    outcome = yield context.df.callSubOrchestrator(name, input, instanceId);
  } catch (error) {
    throw new StepFailure(
      errorRecord('FB-ORC-002', { orchestration: name, reason: reasonOf(error) }),
    );
  }
  return unwrap(outcome as Result<Extract<OrchestrationOutput<N>, { ok: true }>['value']>);
}

/** Waits without doing anything else. */
export function* sleep(context: Context, milliseconds: number): Steps<void> {
  yield context.df.createTimer(later(context, milliseconds));
}

/** Pauses between looks, without end: each half as long again, so that a long wait has a short history. */
export function* growingPauses(firstMs: number, maxMs: number): Generator<number, never> {
  for (let pauseMs = firstMs; ; pauseMs = Math.min(maxMs, Math.round(pauseMs * 1.5))) {
    yield pauseMs;
  }
}

export function later(context: Context, milliseconds: number): Date {
  return new Date(context.df.currentUtcDateTime.getTime() + milliseconds);
}

/** Turns the end of an orchestration into a value, so that the SDK above does not retry it. */
export function* asResult<T>(steps: Steps<T>): Steps<Result<T>> {
  try {
    return success(yield* steps);
  } catch (error) {
    if (error instanceof StepFailure) return failure(error.record);
    throw error;
  }
}

export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new StepFailure(result.error);
}

function retryOptions(policy: RetryPolicy): df.RetryOptions {
  const options = new df.RetryOptions(policy.firstDelayMs, policy.maxAttempts);
  options.backoffCoefficient = policy.backoff;
  options.maxRetryIntervalInMilliseconds = policy.maxDelayMs;
  return options;
}

/** What the SDK threw, in a length that fits a record. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}
