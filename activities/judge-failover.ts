import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { refusalOfFailover } from '../shared/domain/failover-choice.ts';
import type { Job } from '../shared/domain/job.ts';
import { masterTargetOf, type ProtectedItem } from '../shared/domain/protected-item.ts';
import {
  isThereToShutDown,
  refusalBySource,
  type SourceSight,
} from '../shared/domain/source-state.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { unpinned } from '../shared/services/pin-point.ts';
import { processServerName } from '../shared/services/process-server-name.ts';
import { recordEvent } from '../shared/services/record-event.ts';
import { connectedAgent } from './support/agents.ts';
import type { StoreDeps } from './support/deps.ts';
import { appended, requireItem, updateItem, updateJob } from './support/records.ts';

/**
 * Judges the failover once more, right before the shutdown: since it was asked for, the job may have finished a cycle
 * that took hours, an agent that it needs may have fallen silent, Azure may have lost the VM. What would now be refused,
 * or would hang with the machine down, is put back: the wish is taken out of the job, which waits at the gate that is
 * named here. Idempotent by that gate. Goes by our own tables and by what was seen of the Azure VM just now.
 */
export const createJudgeFailover = (deps: StoreDeps): ActivityHandler<'judgeFailover'> =>
  async function judgeFailover({ jobId, itemId, nextGate, source }) {
    const { stores, clock } = deps;
    const item = await requireItem(stores, itemId);
    const now = clock.now();
    const silent = await silentAgents(deps, item);
    const { heldBack, options } = await updateJob(stores, jobId, (job) => {
      if (job.heldBack?.gate === nextGate) return job;
      const refusal = refusalOf(job, item, { source, silent, now });
      return refusal === null ? job : putBack(job, item, { refusal, now, nextGate });
    });
    if (heldBack?.gate !== nextGate) {
      if (!isThereToShutDown(source.state)) await noteUntouched(deps, itemId);
      return { isHeldBack: false };
    }
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

interface Circumstances {
  readonly source: SourceSight;
  readonly silent: { readonly atSite: ErrorRecord | null; readonly inAzure: ErrorRecord | null };
  readonly now: Date;
}

function refusalOf(
  job: Job,
  item: ProtectedItem,
  { source, silent, now }: Circumstances,
): ErrorRecord | null {
  const { failoverTo: recoveryPoint = 'latest', maxDataLossMinutes } = job;
  const isUnreachableAccepted = job.unreachableAccepted !== undefined;
  const bySource = refusalBySource(item, source, { recoveryPoint, isUnreachableAccepted });
  if (bySource !== null) return bySource;
  const isDeltaSent = source.state === 'there' && recoveryPoint !== 'latestProcessed';
  const bySilence = silent.atSite ?? (isDeltaSent ? silent.inAzure : null);
  if (bySilence !== null) return bySilence;
  // The newest point is made after the shutdown: nothing of it can have changed.
  if (job.intents.failover === undefined || recoveryPoint === 'latest') return null;
  const choice = { phase: 'replicating', recoveryPoint, maxDataLossMinutes, now } as const;
  return refusalOfFailover(item, choice)?.toRecord() ?? null;
}

/** Whoever is needed between the shutdown and the boot. The process server is, where a last delta is sent. */
async function silentAgents(
  deps: StoreDeps,
  item: ProtectedItem,
): Promise<Circumstances['silent']> {
  const silence = async (kind: AgentKind, name: string): Promise<ErrorRecord | null> => {
    const isHeard = (await connectedAgent(deps, kind, name)) !== null;
    return isHeard ? null : errorRecord('FB-ORC-010', { kind, name });
  };
  const [server, target, processServer] = await Promise.all([
    silence('configurationServer', item.target.configurationServer),
    silence('masterTarget', masterTargetOf(item) ?? 'for this machine'),
    silence('processServer', processServerName(item.resourceGroup)),
  ]);
  return { atSite: server ?? target, inAzure: processServer };
}

type AgentKind = Parameters<typeof connectedAgent>[1];

function putBack(
  job: Job,
  item: ProtectedItem,
  why: { readonly refusal: ErrorRecord; readonly now: Date; readonly nextGate: string },
): Job {
  const {
    failoverTo: _wanted,
    maxDataLossMinutes: _limit,
    unreachableAccepted: _consent,
    ...rest
  } = job;
  const { failover: _asked, ...intents } = job.intents;
  const { refusal, now, nextGate } = why;
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

/** A VM that we do not shut down is not started by us either. */
async function noteUntouched({ stores }: StoreDeps, itemId: string): Promise<void> {
  await updateItem(stores, itemId, (item) =>
    item.wasSourceRunning === undefined ? { ...item, wasSourceRunning: false } : item,
  );
}

function withoutNotedPower(item: ProtectedItem, jobId: string): ProtectedItem {
  if (item.activeJobId !== jobId || item.phase !== 'replicating') return item;
  if (item.wasSourceRunning === undefined) return item;
  const { wasSourceRunning: _noted, ...rest } = item;
  return rest;
}
