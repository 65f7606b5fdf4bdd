import type { OrchestrationHandler } from 'durable-functions';
import * as core from '../../local/functions-host/core-module.ts';
import { type HistoryEvent, event, EVENT } from '../../local/functions-host/durable/history.ts';
import { orchestratorFailure } from '../../local/functions-host/durable/failure.ts';
import { Invoker, jsonOf } from '../../local/functions-host/invoke.ts';
import { silentLogger } from '../../local/functions-host/support/logger.ts';
import { countingRandom } from '../../local/functions-host/support/random.ts';
import { registerOrchestration } from './durable-harness.ts';

export interface Replayed {
  readonly isDone: boolean;
  /** Everything since the start, as it goes to the real host. */
  readonly actions: readonly unknown[];
  readonly output?: unknown;
  readonly customStatus?: unknown;
  /** Set when the orchestrator threw. */
  readonly error?: string;
}

interface ReplayOptions {
  readonly input?: unknown;
  readonly instanceId?: string;
}

/** Runs a generator once over a history and returns what it asks the host for: the golden of a replay test. */
export async function replayActions(
  generator: OrchestrationHandler,
  history: readonly HistoryEvent[],
  { input = null, instanceId = 'golden' }: ReplayOptions = {},
): Promise<Replayed> {
  const functionName = 'replayActionsGolden';
  registerOrchestration(functionName, generator);
  const invoker = new Invoker(core.registeredApp(), countingRandom(), silentLogger);
  const trigger = {
    history,
    input,
    instanceId,
    isReplaying: true,
    parentInstanceId: null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    maximumShortTimerDuration: '6.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
  try {
    const inputs = { orchestrationTrigger: { string: JSON.stringify(trigger) } };
    const response = await invoker.invoke({ functionName, inputs });
    const { actions, ...state } = JSON.parse(jsonOf(response.returnValue)) as Replayed & {
      actions: unknown[][];
    };
    return { ...state, actions: actions.flat() };
  } catch (error) {
    return { isDone: false, actions: [], error: orchestratorFailure(error).reason };
  }
}

/** The first two events of every history. */
export function startOfHistory(at: Date, input: unknown = null): readonly HistoryEvent[] {
  const fields = { Name: 'replayActionsGolden', Input: JSON.stringify(input), Version: '' };
  return [event(EVENT.orchestratorStarted, at), event(EVENT.executionStarted, at, fields)];
}
