import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { refusalOfFailover } from '../shared/domain/failover-choice.ts';
import type { Job } from '../shared/domain/job.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { errorRecord } from '../shared/errors/failback-error.ts';
import { unpinned } from '../shared/services/pin-point.ts';
import { recordEvent } from '../shared/services/record-event.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, requireItem, updateItem, updateJob } from './support/records.ts';

/**
 * Judges the failover that was asked for once more, right before the shutdown: since the request the job may have
 * finished a cycle that took hours. What would now be refused is put back: the wish is taken out of the job, which
 * waits at the gate that is named here. Idempotent by that gate. A failover that nobody asked for loses nothing.
 */
export const createJudgeFailover = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'judgeFailover'> =>
  async function judgeFailover({ jobId, itemId, nextGate }) {
    const item = await requireItem(stores, itemId);
    const now = clock.now();
    const { heldBack, options } = await updateJob(stores, jobId, (job) =>
      job.heldBack?.gate === nextGate ? job : judged(job, item, { now, nextGate }),
    );
    if (heldBack?.gate !== nextGate) return { isHeldBack: false };
    // It was noted for a shutdown that does not come: until the next one people may start or stop the VM.
    await updateItem(stores, itemId, (current) => {
      const waiting = withoutNotedPower(current, jobId);
      // The common point of a replication group is held by the plan: its other machines go there.
      return options.replicationGroupId === undefined ? unpinned(waiting) : waiting;
    });
    const { at, error } = heldBack;
    const { code, message } = error;
    const event = { kind: 'failoverHeldBack', at, caller: 'system', jobId, itemId } as const;
    await recordEvent(stores, `${jobId}-${nextGate}`, { ...event, message, code });
    return { isHeldBack: true };
  };

function judged(
  job: Job,
  item: ProtectedItem,
  { now, nextGate }: { readonly now: Date; readonly nextGate: string },
): Job {
  const { failoverTo: recoveryPoint = 'latest', maxDataLossMinutes, ...rest } = job;
  const { failover, ...intents } = job.intents;
  // The newest point is made after the shutdown: nothing of it can have changed.
  if (failover === undefined || recoveryPoint === 'latest') return job;
  const choice = { phase: 'replicating', recoveryPoint, maxDataLossMinutes, now } as const;
  const refusal = refusalOfFailover(item, choice)?.toRecord();
  if (refusal === undefined) return job;
  const reason = `${refusal.code} ${refusal.message}`;
  const error = errorRecord('FB-RCV-019', { itemName: item.name, reason });
  const at = now.toISOString();
  const line = { at, phase: job.phase, message: `${error.code} ${error.message}` };
  return {
    ...rest,
    intents,
    gate: nextGate,
    heldBack: { at, gate: nextGate, error },
    history: appended(job.history, line),
  };
}

function withoutNotedPower(item: ProtectedItem, jobId: string): ProtectedItem {
  if (item.activeJobId !== jobId || item.phase !== 'replicating') return item;
  if (item.wasSourceRunning === undefined) return item;
  const { wasSourceRunning: _noted, ...rest } = item;
  return rest;
}
