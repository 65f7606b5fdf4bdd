import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { FailbackOptions } from '../shared/domain/job.ts';
import {
  isWatched,
  nextMoves,
  observe,
  type PlanMachine,
  type PlanMove,
  type PlanRun,
  type PlanStage,
  shortError,
  STATE_AFTER,
} from '../shared/domain/plan-run.ts';
import { type PlanGroup, pointOfGroup } from '../shared/domain/recovery-plan.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { PLAN_CONCURRENCY } from '../shared/policy/limits.ts';
import { inChunks } from '../shared/services/in-chunks.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireRun, updateRun } from './support/plan-runs.ts';

type Deps = Pick<ActivityDeps, 'stores' | 'jobControl'>;
type Machines = readonly PlanMachine[];

/**
 * One look at the machines of a stage. Reads the jobs of those on their way, starts or asks as many more as the
 * limit allows, and writes down what changed. Idempotent: a job's id is written down before the job is started,
 * and asking twice is asking once. What a machine's own job refuses is that machine's failure, nobody else's.
 */
export const createDrivePlanStage = (deps: Deps): ActivityHandler<'drivePlanStage'> =>
  async function drivePlanStage({ runId, stage, groupId }) {
    const run = await requireRun(deps.stores, runId);
    const group = run.definition.groups.find(({ id }) => id === groupId);
    const machines = await look(deps, stage, machinesOf(run, group));
    const { onFailure, maxParallel } = run.definition;
    const limit = group?.maxParallel ?? maxParallel;
    const isCancelAsked = run.cancelAskedAt !== null;
    const next = nextMoves({ stage, machines, limit, onFailure, isCancelAsked });
    const chosen = next.move === 'start' ? withJobIds(deps, run, next.moved) : next.moved;
    // Before anything is started: whoever comes after a crash finds the same ids.
    const { machines: recorded } = await record(deps, run, [...machines, ...chosen]);
    const moved = await inChunks(chosen, PLAN_CONCURRENCY, async (machine) =>
      move(deps, { run, machine: recorded[machine.itemId] ?? machine, kind: next.move }),
    );
    await record(deps, run, moved);
    const after = new Map([...machines, ...moved].map((each) => [each.itemId, each]));
    const underWay = [...after.values()].filter((each) => isWatched(stage, each)).length;
    const leftBehind = Object.values(recorded).filter((each) => each.isLeftBehind === true).length;
    return { verdict: next.verdict, settled: after.size - underWay, underWay, leftBehind };
  };

function machinesOf({ machines }: PlanRun, group: PlanGroup | undefined): Machines {
  if (group === undefined) return Object.values(machines);
  return group.itemIds.flatMap((itemId) => machines[itemId] ?? []);
}

async function look({ stores }: Deps, stage: PlanStage, machines: Machines): Promise<Machines> {
  return inChunks(machines, PLAN_CONCURRENCY, async (machine) => {
    if (machine.jobId === null || !isWatched(stage, machine)) return machine;
    return observe(machine, (await stores.jobs.get(machine.jobId))?.value ?? null);
  });
}

function withJobIds({ jobControl }: Deps, { kind }: PlanRun, moved: Machines): Machines {
  const prefix = kind === 'failback' ? 'fb' : 'rh';
  return moved.map((machine) =>
    machine.jobId === null ? { ...machine, jobId: jobControl.newJobId(prefix) } : machine,
  );
}

interface Move {
  readonly run: PlanRun;
  readonly machine: PlanMachine;
  readonly kind: PlanMove;
}

async function move(deps: Deps, { run, machine, kind }: Move): Promise<PlanMachine> {
  try {
    await carryOut(deps, { run, machine, kind });
    return { ...machine, state: STATE_AFTER[kind] };
  } catch (error) {
    if (!(error instanceof FailbackError) || error.isRetryable) throw error;
    return refused(deps, machine, { kind, error });
  }
}

/** The job has gone its own way meanwhile, or does not take it: what its record says counts. */
async function refused(
  { stores }: Deps,
  machine: PlanMachine,
  { kind, error }: { readonly kind: PlanMove; readonly error: FailbackError },
): Promise<PlanMachine> {
  const job = machine.jobId === null ? null : await stores.jobs.get(machine.jobId);
  const seen = observe(machine, job?.value ?? null);
  if (seen.state !== machine.state || kind === 'cancel') return seen;
  return { ...machine, state: 'failed', error: shortError(error.toRecord()) };
}

async function carryOut(deps: Deps, { run, machine, kind }: Move): Promise<void> {
  const { jobControl } = deps;
  const { itemId, jobId } = machine;
  const caller = `recovery plan ${run.planId}, ${run.id}`;
  if (jobId === null) return;
  if (kind === 'start') {
    const options = optionsOf(run, itemId);
    await jobControl.start({ jobId, operation: run.kind, itemId, options, caller });
    return;
  }
  const choice = kind === 'failover' ? await choiceOf(deps, run, itemId) : {};
  await jobControl.ask(jobId, { intent: kind, caller, ...choice });
}

/** The plan opens the gates, and a person commits: no machine does either by itself. */
function optionsOf({ id, kind, options, definition }: PlanRun, itemId: string): FailbackOptions {
  const common = definition.replicationGroups.find(({ itemIds }) => itemIds.includes(itemId));
  const isShared = common !== undefined && kind === 'failback';
  return {
    ...options,
    autoFailover: kind === 'rehearsal',
    autoCommit: false,
    // What follows a failed boot is said by the plan, not decided machine by machine.
    rollBackOnBootFailure: true,
    ...(isShared ? { replicationGroupId: `${id}-${common.id}` } : {}),
  };
}

type Choice = Pick<
  Parameters<Deps['jobControl']['ask']>[1],
  'recoveryPoint' | 'maxDataLossMinutes' | 'acceptUnreachableSource'
>;

/** `latest` is each machine's own; a common point is the same for all of its replication group. */
async function choiceOf({ stores }: Deps, run: PlanRun, itemId: string): Promise<Choice> {
  const { recoveryPoint, maxDataLossMinutes, acceptUnreachableSource } = run;
  const terms = { maxDataLossMinutes, acceptUnreachableSource };
  const { groupPoints, definition } = run;
  const common = definition.replicationGroups.find(({ itemIds }) => itemIds.includes(itemId));
  const groupPointId = common === undefined ? undefined : groupPoints[common.id];
  if (common === undefined || groupPointId === undefined) return { recoveryPoint, ...terms };
  const item = (await stores.items.get(itemId))?.value;
  const point = item === undefined ? null : pointOfGroup(item, groupPointId);
  if (point !== null) return { recoveryPoint: point.pointId, ...terms };
  const values = { groupId: common.id, machines: item?.name ?? itemId };
  throw new FailbackError('FB-RCV-012', values);
}

/**
 * Only what this look has found out: a person may have changed the rest of the record meanwhile. An id that
 * was chosen for a job stays.
 */
async function record({ stores }: Deps, run: PlanRun, machines: Machines): Promise<PlanRun> {
  return updateRun(stores, run.id, (current) => {
    const changed = machines.flatMap((each) => {
      const was = current.machines[each.itemId];
      const now = { ...each, jobId: was?.jobId ?? each.jobId };
      return JSON.stringify(now) === JSON.stringify(was) ? [] : [[each.itemId, now] as const];
    });
    if (changed.length === 0) return current;
    return { ...current, machines: { ...current.machines, ...Object.fromEntries(changed) } };
  });
}
