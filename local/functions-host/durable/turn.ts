import { z } from 'zod';
import type { Invoker } from '../invoke.ts';
import { jsonOf } from '../invoke.ts';
import { orchestratorFailure } from './failure.ts';
import { EVENT, event, type HistoryEvent, type Instance, type PendingWork } from './history.ts';
import { type CapturedTask, capturedTurn } from './task-capture.ts';

const stateSchema = z.object({
  isDone: z.boolean(),
  actions: z.array(z.array(z.looseObject({ actionType: z.int() }))),
  output: z.unknown().optional(),
  customStatus: z.unknown().optional(),
});

const CONTINUE_AS_NEW = 4;
/** Sent without being waited for, so that they never appear among the numbered tasks. */
const SIGNALS: Readonly<Record<number, string>> = {
  9: 'SignalEntityAction',
  10: 'ScheduledSignalEntityAction',
  14: 'ReleaseEntitiesAction',
};

/** What one turn of an orchestrator brought about. Nothing is persisted here. */
export interface TurnResult {
  readonly appended: readonly HistoryEvent[];
  readonly scheduled: readonly PendingWork[];
  readonly subOrchestrations: readonly {
    readonly taskId: number;
    readonly name: string;
    readonly instanceId: string;
    readonly input: string;
  }[];
  readonly cancelledTimers: readonly number[];
  readonly customStatus: string | null;
  readonly end:
    | { readonly kind: 'running' }
    | { readonly kind: 'completed'; readonly output: string }
    | { readonly kind: 'failed'; readonly reason: string; readonly failureDetails?: unknown }
    | { readonly kind: 'continuedAsNew'; readonly input: string };
}

/**
 * Replays the history with the new events and compares what the orchestrator numbered with what was
 * recorded: the SDK itself does not notice an orchestrator that is not deterministic.
 */
export async function runTurn(
  invoker: Invoker,
  instance: Instance,
  events: { readonly past: readonly HistoryEvent[]; readonly fresh: readonly HistoryEvent[] },
): Promise<TurnResult> {
  const now = new Date(events.fresh[0]?.Timestamp ?? 0);
  const history = [...events.past.map((past) => ({ ...past, IsPlayed: true })), ...events.fresh];
  const outcome = await replay(invoker, instance, history);
  const { tasks, scheduledTwice } = capturedTurn(instance.id);
  const recorded = recordedTasks(events.past);
  const reason =
    difference(recorded, tasks, outcome.end.kind === 'failed') ??
    refusal(tasks, scheduledTwice, outcome.signal);
  const isOver = outcome.end.kind === 'continuedAsNew';
  const fresh = isOver ? [] : tasks.filter(({ id }) => !recorded.has(id));
  const planned = plan(instance, fresh, now);
  return {
    ...planned,
    appended: [...events.fresh, ...planned.appended, event(EVENT.orchestratorCompleted, now)],
    cancelledTimers: tasks.flatMap((task) =>
      task.kind === 'timer' && task.isCanceled() ? [task.id] : [],
    ),
    customStatus: outcome.customStatus,
    end: reason === null ? outcome.end : { kind: 'failed', reason },
  };
}

/** Why this host cannot do what the orchestrator asked for. */
function refusal(
  tasks: readonly CapturedTask[],
  scheduledTwice: readonly string[],
  signal: string | undefined,
): string | null {
  if (scheduledTwice.length > 0) {
    const names = scheduledTwice.join(', ');
    return `A pending task was put into a second any/all and would be scheduled twice: ${names}`;
  }
  const task = tasks.find(({ kind }) => kind === 'unsupported');
  const what = task?.kind === 'unsupported' ? task.what : signal;
  if (what === undefined) return null;
  return `${what} is not supported by the local Functions host, which has neither durable entities nor durable HTTP. Use an activity.`;
}

async function replay(
  invoker: Invoker,
  instance: Instance,
  history: readonly HistoryEvent[],
): Promise<Pick<TurnResult, 'end' | 'customStatus'> & { readonly signal: string | undefined }> {
  const trigger = {
    history,
    input: instance.input === null ? null : (JSON.parse(instance.input) as unknown),
    instanceId: instance.id,
    isReplaying: true,
    parentInstanceId: instance.parent?.id ?? null,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '3.00:00:00',
    // No chain of short timers: the lab's own timers have no upper limit.
    maximumShortTimerDuration: '3650.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  };
  try {
    const response = await invoker.invoke({
      functionName: instance.name,
      inputs: { orchestrationTrigger: { string: JSON.stringify(trigger) } },
    });
    const state = stateSchema.parse(JSON.parse(jsonOf(response.returnValue)));
    const signal = state.actions
      .flat()
      .map(({ actionType }) => SIGNALS[actionType])
      .find((name) => name !== undefined);
    return { customStatus: toJson(state.customStatus), end: endOf(state), signal };
  } catch (error) {
    const end = { kind: 'failed', ...orchestratorFailure(error) } as const;
    return { customStatus: null, end, signal: undefined };
  }
}

function endOf(state: z.infer<typeof stateSchema>): TurnResult['end'] {
  const continued = state.actions.flat().find(({ actionType }) => actionType === CONTINUE_AS_NEW);
  if (continued !== undefined) {
    return { kind: 'continuedAsNew', input: JSON.stringify(continued['input'] ?? null) };
  }
  if (!state.isDone) return { kind: 'running' };
  return { kind: 'completed', output: JSON.stringify(state.output ?? null) };
}

function toJson(value: unknown): string | null {
  return value === undefined || value === null ? null : JSON.stringify(value);
}

/** Kind and name of every task that the history says was scheduled. */
function recordedTasks(history: readonly HistoryEvent[]): ReadonlyMap<number, string> {
  const recorded = new Map<number, string>();
  for (const { EventType, EventId, Name } of history) {
    if (EventType === EVENT.taskScheduled) recorded.set(EventId, `activity ${Name}`);
    if (EventType === EVENT.subOrchestrationCreated) recorded.set(EventId, `orchestration ${Name}`);
    if (EventType === EVENT.timerCreated) recorded.set(EventId, 'timer');
  }
  return recorded;
}

function labelOf(task: CapturedTask): string {
  switch (task.kind) {
    case 'activity':
      return `activity ${task.name}`;
    case 'subOrchestration':
      return `orchestration ${task.name}`;
    case 'timer':
    case 'retryTimer':
      return 'timer';
    case 'unsupported':
      return task.what;
  }
}

function difference(
  recorded: ReadonlyMap<number, string>,
  tasks: readonly CapturedTask[],
  hasFailed: boolean,
): string | null {
  const now = new Map(tasks.map((task) => [task.id, labelOf(task)]));
  for (const [id, before] of recorded) {
    const label = now.get(id);
    if (label === before || (label === undefined && hasFailed)) continue;
    const was = `task ${id} was "${before}"`;
    return `Non-deterministic orchestration: ${was}, in the replay it is "${label ?? 'missing'}".`;
  }
  return null;
}

type Plan = Pick<TurnResult, 'scheduled' | 'subOrchestrations'> & {
  readonly appended: readonly HistoryEvent[];
};

/** History events and work for tasks that appeared in this turn. */
function plan(instance: Instance, tasks: readonly CapturedTask[], now: Date): Plan {
  const appended: HistoryEvent[] = [];
  const scheduled: PendingWork[] = [];
  const subOrchestrations: Mutable<TurnResult['subOrchestrations']> = [];
  for (const task of tasks) {
    const { id } = task;
    switch (task.kind) {
      case 'activity':
        appended.push(
          event(EVENT.taskScheduled, now, {
            EventId: id,
            Name: task.name,
            Input: JSON.stringify(task.input ?? null),
          }),
        );
        scheduled.push({ kind: 'activity', taskId: id, name: task.name, input: task.input });
        break;
      case 'timer':
      case 'retryTimer': {
        const fireAt = task.kind === 'timer' ? task.fireAt : new Date(now.getTime() + task.delayMs);
        const FireAt = fireAt.toISOString();
        appended.push(event(EVENT.timerCreated, now, { EventId: id, FireAt }));
        scheduled.push({ kind: 'timer', taskId: id, fireAt: FireAt });
        break;
      }
      case 'subOrchestration': {
        // As DTFx: a child without a name of its own is named after its parent and number.
        const instanceId = task.instanceId ?? `${instance.id}:${instance.execution}:${id}`;
        const { name } = task;
        const fields = { EventId: id, Name: name, InstanceId: instanceId };
        appended.push(event(EVENT.subOrchestrationCreated, now, fields));
        const input = JSON.stringify(task.input ?? null);
        subOrchestrations.push({ taskId: id, name, instanceId, input });
        break;
      }
      case 'unsupported':
        break;
    }
  }
  return { appended, scheduled, subOrchestrations };
}

type Mutable<T extends readonly unknown[]> = T[number][];
