import type { Job } from './job.ts';
import type { PlanMachine, PlanRun } from './plan-run.ts';
import type { PlanAction } from './recovery-plan.ts';

interface MachineLine {
  readonly itemId: string;
  readonly itemName: string;
  readonly groupId: string;
  readonly jobId: string | null;
  readonly state: PlanMachine['state'];
  readonly downtimeSeconds: number | null;
  readonly dataLossSeconds: number | null;
  readonly recoveryPointId: string | null;
  readonly bootedAt: string | null;
  readonly proof: {
    readonly comparedShare: number;
    readonly blocksCompared: number;
    readonly mismatches: number;
    readonly repairedBlocks: number;
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

interface ActionLine {
  readonly id: string;
  readonly name: string;
  readonly kind: PlanAction['kind'];
  readonly groupId: string;
  readonly when: 'before' | 'after';
  readonly state: 'waiting' | 'notInThisRun' | 'running' | 'succeeded' | 'failed' | 'skipped';
  readonly attempts: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly detail: string;
}

interface PlanReport {
  readonly machines: MachineLine[];
  readonly groups: {
    readonly id: string;
    readonly name: string;
    readonly machines: number;
    readonly startedAt: string | null;
    readonly endedAt: string | null;
  }[];
  readonly actions: ActionLine[];
  readonly longestDowntimeSeconds: number | null;
  readonly largestDataLossSeconds: number | null;
}

/** The report of a run, from its record and the jobs of its machines, in the order of the plan. */
export function reportOf(run: PlanRun, jobs: ReadonlyMap<string, Job>): PlanReport {
  const { groups } = run.definition;
  const machines = groups.flatMap(({ id: groupId, itemIds }) =>
    itemIds.flatMap((itemId) => {
      const machine = run.machines[itemId];
      return machine === undefined ? [] : [lineOf(groupId, machine, jobs.get(machine.jobId ?? ''))];
    }),
  );
  return {
    machines,
    groups: groups.map(({ id, name, itemIds }) => ({
      id,
      name,
      machines: itemIds.length,
      startedAt: run.groups[id]?.startedAt ?? null,
      endedAt: run.groups[id]?.endedAt ?? null,
    })),
    actions: groups.flatMap(({ id, preActions, postActions }) => [
      ...preActions.map((action) => actionLine(run, { groupId: id, when: 'before', action })),
      ...postActions.map((action) => actionLine(run, { groupId: id, when: 'after', action })),
    ]),
    longestDowntimeSeconds: largest(machines.map(({ downtimeSeconds }) => downtimeSeconds)),
    largestDataLossSeconds: largest(machines.map(({ dataLossSeconds }) => dataLossSeconds)),
  };
}

function lineOf(groupId: string, machine: PlanMachine, job: Job | undefined): MachineLine {
  const { itemId, itemName, jobId, state, error } = machine;
  const { proof, ...report } = job?.report ?? {};
  return {
    itemId,
    itemName,
    groupId,
    jobId,
    state,
    downtimeSeconds: report.downtimeSeconds ?? null,
    dataLossSeconds: report.dataLossSeconds ?? null,
    recoveryPointId: report.recoveryPointId ?? null,
    bootedAt: report.bootedAt ?? null,
    proof:
      proof === undefined
        ? null
        : {
            comparedShare: proof.comparedShare,
            blocksCompared: proof.blocksCompared,
            mismatches: proof.mismatches,
            repairedBlocks: proof.repairedBlocks,
          },
    error: error ?? null,
  };
}

function actionLine(
  { kind, actions }: PlanRun,
  at: { readonly groupId: string; readonly when: ActionLine['when']; readonly action: PlanAction },
): ActionLine {
  const { groupId, when, action } = at;
  const record = actions[action.id];
  const isInThisRun = action.runsIn.includes(kind);
  return {
    id: action.id,
    name: action.name,
    kind: action.kind,
    groupId,
    when,
    state: record?.state ?? (isInThisRun ? 'waiting' : 'notInThisRun'),
    attempts: record?.attempts ?? 0,
    startedAt: record?.startedAt ?? null,
    endedAt: record?.endedAt ?? null,
    detail: record?.detail ?? '',
  };
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

const MAX_NAMED = 10;

/** A sentence about hundreds of machines names some. */
export function someOf(names: readonly string[]): string {
  const rest = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return `${names.slice(0, MAX_NAMED).join(', ')}${rest}`;
}
