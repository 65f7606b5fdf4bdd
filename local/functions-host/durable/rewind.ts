import { EVENT, type HistoryEvent, type Instance } from './history.ts';
import { ANY_EXECUTION, type DurableStore } from './store.ts';

const COMPLETIONS: readonly number[] = [
  EVENT.taskCompleted,
  EVENT.taskFailed,
  EVENT.subOrchestrationCompleted,
  EVENT.subOrchestrationFailed,
  EVENT.timerFired,
  EVENT.eventRaised,
  EVENT.executionStarted,
];

/**
 * Takes a failed instance back to before the failure that ended it, so that the failed task runs again.
 * Returns the ids of all instances that have to be resumed, failed children first.
 */
export function rewind(store: DurableStore, id: string): readonly string[] {
  const instance = store.instance(id);
  if (instance === null || instance.status !== 'Failed') return [];
  const history = store.history(id);
  const failedAt = history.findLastIndex(
    ({ EventType }) => EventType === EVENT.taskFailed || EventType === EVENT.subOrchestrationFailed,
  );
  const culpritAt =
    failedAt >= 0
      ? failedAt
      : history.findLastIndex(({ EventType }) => COMPLETIONS.includes(EventType));
  const culprit = history[culpritAt];
  if (culprit === undefined) return [];
  const turnStart = history.findLastIndex(
    ({ EventType }, index) => index <= culpritAt && EventType === EVENT.orchestratorStarted,
  );
  const kept = history.slice(0, turnStart);
  store.replaceHistory(id, kept);
  store.clearInbox(id);
  store.clearWork(id);
  store.putInstance({ ...instance, status: 'Running', output: null });
  return [...repeat(store, instance, kept, culprit), id];
}

function repeat(
  store: DurableStore,
  instance: Instance,
  kept: readonly HistoryEvent[],
  culprit: HistoryEvent,
): readonly string[] {
  const scheduled = kept.find(
    ({ EventType, EventId }) =>
      EventId === culprit.TaskScheduledId &&
      (EventType === EVENT.taskScheduled || EventType === EVENT.subOrchestrationCreated),
  );
  if (culprit.EventType === EVENT.taskFailed && scheduled?.Name !== undefined) {
    const input =
      scheduled.Input === undefined ? null : (JSON.parse(scheduled.Input ?? 'null') as unknown);
    const { EventId: taskId, Name: name } = scheduled;
    store.putWork(instance.id, instance.execution, { kind: 'activity', taskId, name, input });
    return [];
  }
  if (culprit.EventType === EVENT.subOrchestrationFailed && scheduled?.InstanceId !== undefined) {
    return rewind(store, scheduled.InstanceId);
  }
  // Nothing failed but the orchestrator's own code: the same event is given to it once more.
  const execution = culprit.EventType === EVENT.eventRaised ? ANY_EXECUTION : instance.execution;
  store.post(instance.id, execution, { ...culprit, IsPlayed: false });
  return [];
}
