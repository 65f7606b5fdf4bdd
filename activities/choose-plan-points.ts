import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { refusalOfFailover } from '../shared/domain/failover-choice.ts';
import { someOf } from '../shared/domain/plan-report.ts';
import {
  nextMoves,
  observe,
  type PlanMachine,
  type PlanRun,
  shortError,
} from '../shared/domain/plan-run.ts';
import type { ProtectedItem } from '../shared/domain/protected-item.ts';
import { type ErrorRecord, errorRecord } from '../shared/errors/failback-error.ts';
import { PLAN_CONCURRENCY } from '../shared/policy/limits.ts';
import { inChunks } from '../shared/services/in-chunks.ts';
import { holdCommonPoints } from './support/common-points.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireRun, updateRun } from './support/plan-runs.ts';

type Stores = StoreDeps['stores'];

/**
 * Refuses to fail over a plan of which a machine has no fitting recovery point, by the names of the machines, and
 * notes at each why. Machines whose jobs have left the gate meanwhile are judged by the stage that prepares, first;
 * so is a cancel. The common points are fixed and held here: the groups of a plan go home one after the other, newer
 * common points come meanwhile, and retention drops old ones. Idempotent as long as the points are the same.
 */
export const createChoosePlanPoints = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'choosePlanPoints'> =>
  async function choosePlanPoints({ runId }) {
    const run = await lookAgain(stores, await requireRun(stores, runId));
    const round = Object.keys(run.decisions).filter((key) => key.startsWith('points-')).length;
    if (hasStragglers(run)) return { refusal: null, isHeld: false, round, hasStragglers: true };
    const found = await inChunks(readyOf(run), PLAN_CONCURRENCY, async ({ itemId }) =>
      stores.items.get(itemId),
    );
    const items = found.flatMap((item) => (item === null ? [] : [item.value]));
    const refused = refusalsOf(run, items, clock.now());
    const { apart, isHeld } =
      refused.length > 0 ? NOT_HELD : await holdCommonPoints(stores, run, items);
    const refusals = refused.length > 0 ? refused : apart;
    await note(stores, run, withReasons(run, refusals));
    return { refusal: inOne(refusals), isHeld, round, hasStragglers: false };
  };

const NOT_HELD = { apart: [], isHeld: false } as const;

function readyOf({ machines }: PlanRun): readonly PlanMachine[] {
  return Object.values(machines).filter(({ state }) => state === 'ready');
}

/** They may have held at their gates for days, and no stage has looked at their jobs since. */
async function lookAgain(stores: Stores, run: PlanRun): Promise<PlanRun> {
  const seen = await inChunks(readyOf(run), PLAN_CONCURRENCY, async (machine) => {
    const job = machine.jobId === null ? null : await stores.jobs.get(machine.jobId);
    return observe(machine, job?.value ?? null);
  });
  return note(stores, run, seen);
}

/** Whether the stage that prepares has anything to do or to ask for again: a machine went back, or failed. */
function hasStragglers({ definition, machines, cancelAskedAt }: PlanRun): boolean {
  const { verdict } = nextMoves({
    stage: 'prepare',
    machines: Object.values(machines),
    limit: definition.maxParallel,
    onFailure: definition.onFailure,
    isCancelAsked: cancelAskedAt !== null,
  });
  return verdict !== 'done';
}

/** Machines that a person has given up meanwhile stay so. */
async function note(stores: Stores, run: PlanRun, seen: readonly PlanMachine[]): Promise<PlanRun> {
  const changed = seen.filter((machine) => machine !== run.machines[machine.itemId]);
  if (changed.length === 0) return run;
  return updateRun(stores, run.id, (current) => {
    const still = changed.filter(({ itemId }) => current.machines[itemId]?.state === 'ready');
    const noted = Object.fromEntries(still.map((machine) => [machine.itemId, machine]));
    return { ...current, machines: { ...current.machines, ...noted } };
  });
}

interface Refusal {
  readonly item: ProtectedItem;
  readonly error: ErrorRecord;
}

function refusalsOf(
  { recoveryPoint, maxDataLossMinutes }: PlanRun,
  items: readonly ProtectedItem[],
  now: Date,
): readonly Refusal[] {
  const choice = { phase: 'replicating', recoveryPoint, maxDataLossMinutes, now } as const;
  return items.flatMap((item) => {
    const refusal = refusalOfFailover(item, choice);
    return refusal === null ? [] : [{ item, error: refusal.toRecord() }];
  });
}

/** All that have no point at all are named at once; of other refusals the first. */
function inOne(refusals: readonly Refusal[]): ErrorRecord | null {
  const none = refusals.filter(({ error }) => error.code === 'FB-RCV-001');
  if (none.length > 0) {
    return errorRecord('FB-RCV-001', { machines: someOf(none.map(({ item }) => item.name)) });
  }
  return refusals[0]?.error ?? null;
}

/** Why a machine is refused stands at it, so that a person can go on without just those. */
function withReasons(run: PlanRun, refusals: readonly Refusal[]): readonly PlanMachine[] {
  const reasons = new Map(refusals.map(({ item, error }) => [item.id, shortError(error)]));
  return readyOf(run).map((machine) => {
    const reason = reasons.get(machine.itemId);
    if (reason !== undefined) return { ...machine, error: reason };
    const { error, ...rest } = machine;
    return error === undefined ? machine : rest;
  });
}
