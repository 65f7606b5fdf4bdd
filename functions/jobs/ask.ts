import { INTENT_EVENT, partInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { CommandName } from '../../shared/contracts/commands.ts';
import { transferProgressSchema } from '../../shared/contracts/progress.ts';
import { refusalOfFailover } from '../../shared/domain/failover-choice.ts';
import { isTerminal, type Job } from '../../shared/domain/job.ts';
import { refusalBySource, sourceLossOf } from '../../shared/domain/source-state.ts';
import { allowedIntents, type Intent } from '../../shared/domain/phases.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import type { CommandRecord, Versioned } from '../../shared/ports/stores.ts';
import { pinChoice } from '../../shared/services/pin-point.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from './break-off.ts';
import { breakOffVain } from './break-off-vain.ts';
import { refuseAction } from './job-actions.ts';
import { sightOf } from './sight-of-source.ts';

/** Commands that run for hours and may be broken off at any moment; all others are let finish. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/** Commands that are let finish unless they wait for something, as for room on a full volume: that may take days. */
const INTERRUPTIBLE_WHILE_WAITING: readonly CommandName[] = [
  'sealRecoveryPoint',
  'rewindToPoint',
  'growDisks',
];

/** Parts of a failback that wait for an operator. */
const WAITING_PARTS: readonly string[] = ['replication', 'commit-gate'];

interface Wish {
  readonly intent: Intent;
  /** With `failover`: the recovery point to boot. */
  readonly recoveryPoint?: string;
  /** Throws when the job is not the one that the operator saw. */
  readonly check?: (current: Versioned<Job>) => void;
  readonly caller: string;
  readonly maxDataLossMinutes?: number | undefined;
  /** With `failover`: boot although nobody knows whether the Azure VM is off. */
  readonly acceptUnreachableSource?: boolean | undefined;
}

/** Records what the operator wants, then wakes whoever may be waiting for it. Asking twice is asking once. */
export async function ask(deps: FunctionDeps, jobId: string, wish: Wish): Promise<Job> {
  const { intent, recoveryPoint } = wish;
  const at = deps.clock.now().toISOString();
  if (intent === 'failover') await refuseUnfitPoint(deps, jobId, wish);
  const job = await updateRecord(deps.stores.jobs, jobId, (current, etag) => {
    wish.check?.({ value: current, etag });
    if (current.intents[intent] !== undefined) {
      refuseOtherPoint(current, wish);
      return withTerms(current, wish, at);
    }
    const refusal = refuseAction(intent, current, null);
    if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
    const asked = { ...current, intents: { ...current.intents, [intent]: at } };
    return withTerms(
      recoveryPoint === undefined ? asked : { ...asked, failoverTo: recoveryPoint },
      wish,
      at,
    );
  });
  if (job === null) throw new FailbackError('FB-REQ-002', { kind: 'failback', id: jobId });
  if (intent === 'failover') await holdPoint(deps, job);
  if (intent === 'cancel') {
    await breakOff(deps, jobId, { isMeant: isInterruptible, error: errorRecord('FB-ORC-005') });
  }
  if (intent === 'failover') await breakOffVain(deps, job);
  const gates = job.gate === undefined ? WAITING_PARTS : [...WAITING_PARTS, job.gate];
  for (const part of gates) {
    await deps.orchestrator.wake(partInstanceId(jobId, part), INTENT_EVENT);
  }
  await noteAsked(deps, job, wish);
  return job;
}

function isInterruptible({ name, progress }: CommandRecord): boolean {
  if (INTERRUPTIBLE.includes(name)) return true;
  const told = transferProgressSchema.safeParse(progress);
  const isWaiting = told.success && told.data.health !== undefined;
  return isWaiting && INTERRUPTIBLE_WHILE_WAITING.includes(name);
}

/** Also what was asked for before: who pressed the button twice, and when. */
async function noteAsked(
  deps: FunctionDeps,
  { id: jobId, itemId, itemName }: Job,
  { intent, recoveryPoint, caller, acceptUnreachableSource = false }: Wish,
): Promise<void> {
  const to = recoveryPoint === undefined ? '' : ` to ${recoveryPoint}`;
  const consent = acceptUnreachableSource ? `, ${CONSENT}` : '';
  await recordEvent(deps.stores, deps.newEventKey(), {
    kind: 'jobAsked',
    at: deps.clock.now().toISOString(),
    caller,
    jobId,
    itemId,
    message: `${intent} of ${itemName}${to}${consent}`,
  });
}

const CONSENT = 'accepting that nobody knows whether the Azure VM is off (acceptUnreachableSource)';

/** The last word on what may be lost or risked counts, for as long as nothing is lost yet. */
function withTerms(job: Job, wish: Wish, at: string): Job {
  const { intent, caller: by, maxDataLossMinutes: limit } = wish;
  const isInTime = intent === 'failover' && allowedIntents(job.phase).includes('failover');
  if (!isInTime) return job;
  const isConsent = wish.acceptUnreachableSource === true && job.unreachableAccepted === undefined;
  if (!isConsent && (limit === undefined || limit === job.maxDataLossMinutes)) return job;
  return {
    ...job,
    ...(limit === undefined ? {} : { maxDataLossMinutes: limit }),
    ...(isConsent ? { unreachableAccepted: { by, at } } : {}),
  };
}

/** Whoever chooses another point after the failover was asked for must not believe that he gets it. */
function refuseOtherPoint({ id, itemName, failoverTo: wanted = 'latest' }: Job, wish: Wish): void {
  const { recoveryPoint } = wish;
  if (recoveryPoint === undefined || recoveryPoint === wanted) return;
  throw new FailbackError('FB-REQ-031', { itemName, wanted, recoveryPoint, jobId: id });
}

/** The cycle that is under way must not drop what was chosen. Whether it did is judged before the shutdown. */
async function holdPoint({ stores }: FunctionDeps, { itemId, failoverTo }: Job): Promise<void> {
  const item = (await stores.items.get(itemId))?.value;
  if (item !== undefined && failoverTo !== undefined) {
    await pinChoice(stores.items, item, failoverTo);
  }
}

async function refuseUnfitPoint(deps: FunctionDeps, jobId: string, wish: Wish): Promise<void> {
  const job = (await deps.stores.jobs.get(jobId))?.value;
  const item = job === undefined ? null : await deps.stores.items.get(job.itemId);
  // Whatever else is wrong with the request is said by the others.
  if (job === undefined || item === null || job.intents.failover !== undefined) return;
  if (isTerminal(job.state) || !allowedIntents(job.phase).includes('failover')) return;
  const refusal = refusalOfFailover(item.value, {
    phase: job.phase,
    recoveryPoint: wish.recoveryPoint ?? 'latest',
    maxDataLossMinutes: wish.maxDataLossMinutes,
    now: deps.clock.now(),
  });
  if (refusal !== null) throw refusal;
  await refuseLostSource(deps, { job, item: item.value }, wish);
}

/** Azure is asked only where a cycle has just failed because of it: right before the shutdown it is asked anyway. */
async function refuseLostSource(
  deps: FunctionDeps,
  { job, item }: { readonly job: Job; readonly item: ProtectedItem },
  { recoveryPoint = 'latest', acceptUnreachableSource = false }: Wish,
): Promise<void> {
  if (sourceLossOf(job) === null) return;
  const wanted = { recoveryPoint, isUnreachableAccepted: acceptUnreachableSource };
  const refusal = refusalBySource(item, await sightOf(deps, item, job), wanted);
  if (refusal !== null) throw new FailbackError(refusal.code, refusal.values);
}
