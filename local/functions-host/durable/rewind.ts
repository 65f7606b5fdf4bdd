import { EVENT, event, type HistoryEvent, type Instance } from './history.ts';
import { ANY_EXECUTION, type DurableStore } from './store.ts';

const SCHEDULINGS: readonly number[] = [
  EVENT.taskScheduled,
  EVENT.timerCreated,
  EVENT.subOrchestrationCreated,
];
const FAILURES: readonly number[] = [EVENT.taskFailed, EVENT.subOrchestrationFailed];
const SUCCESSES: readonly number[] = [
  EVENT.taskCompleted,
  EVENT.subOrchestrationCompleted,
  EVENT.timerFired,
];

/**
 * Takes a failed instance back to before the failure that ended it. What failed side by side in that step
 * runs again and what was pending goes on; results, timers and external events that came later are kept.
 * Returns the ids of all instances that have to be resumed, children first.
 */
export function rewind(store: DurableStore, id: string): readonly string[] {
  const instance = store.instance(id);
  if (instance === null || instance.status !== 'Failed') return [];
  const history = store.history(id);
  const cut = turnOf(history, culpritOf(history));
  if (cut < 0) return [];
  const kept = history.slice(0, cut);
  const scheduled = kept.filter(({ EventType }) => SCHEDULINGS.includes(EventType));
  const repeated = repeatable(history.slice(cut), scheduled);
  const done = new Set(
    [...kept, ...repeated].filter(isCompletion).map((completion) => taskOf(completion)),
  );
  store.replaceHistory(id, kept);
  store.clearInbox(id);
  store.clearWork(id);
  store.putInstance({ ...instance, status: 'Running', output: null });
  for (const each of repeated) {
    const execution = each.EventType === EVENT.eventRaised ? ANY_EXECUTION : instance.execution;
    store.post(id, execution, { ...each, IsPlayed: false });
  }
  const open = scheduled.filter(({ EventId }) => !done.has(EventId));
  return [...open.flatMap((each) => reopen(store, instance, each)), id];
}

/** Place of the first failure among the tasks that were scheduled together with the last one that failed. */
function culpritOf(history: readonly HistoryEvent[]): number {
  const last = history.findLast(({ EventType }) => FAILURES.includes(EventType));
  // Nothing failed but the orchestrator's own code: the last event is given to it once more.
  if (last === undefined) {
    const isIncoming = (each: HistoryEvent): boolean =>
      isCompletion(each) ||
      each.EventType === EVENT.eventRaised ||
      each.EventType === EVENT.executionStarted;
    return history.findLastIndex(isIncoming);
  }
  const lastTurn = turnOf(history, schedulingOf(history, last));
  return history.findIndex(
    (each) =>
      FAILURES.includes(each.EventType) &&
      turnOf(history, schedulingOf(history, each)) === lastTurn,
  );
}

/** Events of the undone part that come again: those that still have somebody who waits for them. */
function repeatable(
  undone: readonly HistoryEvent[],
  scheduled: readonly HistoryEvent[],
): readonly HistoryEvent[] {
  const ids = new Set(scheduled.map(({ EventId }) => EventId));
  return undone.filter((each) => {
    if (SUCCESSES.includes(each.EventType)) return ids.has(taskOf(each));
    return each.EventType === EVENT.eventRaised || each.EventType === EVENT.executionStarted;
  });
}

function isCompletion({ EventType }: HistoryEvent): boolean {
  return SUCCESSES.includes(EventType) || FAILURES.includes(EventType);
}

function taskOf({ TaskScheduledId, TimerId }: HistoryEvent): number {
  return TaskScheduledId ?? TimerId ?? -1;
}

function schedulingOf(history: readonly HistoryEvent[], completion: HistoryEvent): number {
  return history.findIndex(
    ({ EventType, EventId }) => SCHEDULINGS.includes(EventType) && EventId === taskOf(completion),
  );
}

/** Where the turn starts that an event belongs to. */
function turnOf(history: readonly HistoryEvent[], place: number): number {
  return history.findLastIndex(
    ({ EventType }, index) => index <= place && EventType === EVENT.orchestratorStarted,
  );
}

/** Lets a task that has no result go on; returns children to resume. */
function reopen(
  store: DurableStore,
  instance: Instance,
  {
    EventType,
    EventId: taskId,
    Name: name = '',
    Input,
    FireAt = '',
    InstanceId = '',
  }: HistoryEvent,
): readonly string[] {
  const { id, execution } = instance;
  if (EventType === EVENT.taskScheduled) {
    const input: unknown = JSON.parse(Input ?? 'null');
    store.putWork(id, execution, { kind: 'activity', taskId, name, input });
    return [];
  }
  if (EventType === EVENT.timerCreated) {
    store.putWork(id, execution, { kind: 'timer', taskId, fireAt: FireAt });
    return [];
  }
  return reopenChild(store, instance, { taskId, childId: InstanceId });
}

function reopenChild(
  store: DurableStore,
  parent: Instance,
  { taskId, childId }: { readonly taskId: number; readonly childId: string },
): readonly string[] {
  const child = store.instance(childId);
  const now = new Date(parent.updatedAt);
  switch (child?.status) {
    case 'Failed':
      return rewind(store, childId);
    case 'Completed': {
      const fields = { TaskScheduledId: taskId, Result: child.output ?? 'null' };
      store.post(parent.id, parent.execution, event(EVENT.subOrchestrationCompleted, now, fields));
      return [];
    }
    case 'Terminated':
    case undefined: {
      const Reason = `The sub-orchestration ${childId} was terminated or purged before the rewind.`;
      const fields = { TaskScheduledId: taskId, Reason, Details: '' };
      store.post(parent.id, parent.execution, event(EVENT.subOrchestrationFailed, now, fields));
      return [];
    }
    default:
      // It still runs and tells its parent when it ends.
      return [];
  }
}
