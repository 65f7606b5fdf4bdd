import { planRunInstanceId } from '../../shared/contracts/orchestrations.ts';
import type { RunPlan } from '../../shared/contracts/http/recovery-plans.ts';
import { isRunOver, type PlanMachine, type PlanRun } from '../../shared/domain/plan-run.ts';
import { machinesOf, type RecoveryPlan } from '../../shared/domain/recovery-plan.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { recordRunEvent } from '../../shared/services/record-run-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { checkPlan } from './check-plan.ts';

/**
 * Writes the run, takes the plan for it (one run at a time, guarded by the plan's ETag), starts its
 * orchestration. Throws FB-RCV-004 while another run has the plan. A start that broke off is completed by resume.
 */
export async function startRun(
  deps: FunctionDeps,
  planId: string,
  request: RunPlan & { readonly caller: string },
): Promise<PlanRun> {
  const found = await deps.stores.plans.get(planId);
  if (found === null) throw new FailbackError('FB-REQ-002', { kind: 'recovery plan', id: planId });
  await refuseWhileRunning(deps, found.value);
  const run = await newRun(deps, found.value, request);
  await deps.stores.planRuns.create(run);
  try {
    await deps.stores.plans.replace({ ...found.value, activeRunId: run.id }, found.etag);
  } catch (error) {
    // The answer may have got lost, and the SDK's second try met the ETag of its first.
    const holder = (await deps.stores.plans.get(planId))?.value.activeRunId;
    if (holder !== run.id) {
      await giveUp(deps, run.id);
      throw error;
    }
  }
  // Before the start: one that breaks off here is completed by resume, and belongs to whoever began it.
  await noteStarted(deps, run, request.caller);
  await startOrchestration(deps, run);
  return run;
}

async function giveUp({ stores, clock }: FunctionDeps, runId: string): Promise<void> {
  const end = { state: 'cancelled', endedAt: clock.now().toISOString() } as const;
  await updateRecord(stores.planRuns, runId, (late) => ({ ...late, ...end }));
}

async function noteStarted({ stores }: FunctionDeps, run: PlanRun, caller: string): Promise<void> {
  await recordRunEvent(stores, `${run.id}-start`, run, {
    kind: 'runStarted',
    at: run.createdAt,
    caller,
    what: (name) => `${name} started`,
  });
}

export async function startOrchestration(
  { orchestrator }: FunctionDeps,
  { id: runId, attempt }: PlanRun,
): Promise<void> {
  await orchestrator.start('recoveryPlan', planRunInstanceId(runId, attempt), { runId });
}

export async function refuseWhileRunning(
  { stores }: FunctionDeps,
  { activeRunId, definition }: RecoveryPlan,
): Promise<void> {
  if (activeRunId === null) return;
  const run = await stores.planRuns.get(activeRunId);
  if (run === null || isRunOver(run.value)) return;
  throw new FailbackError('FB-RCV-004', { planName: definition.name, runId: activeRunId });
}

/** The machines are looked up once more: a plan outlives its machines. */
async function newRun(
  deps: FunctionDeps,
  { id: planId, definition }: RecoveryPlan,
  { kind, recoveryPoint, maxDataLossMinutes, acceptUnreachableSource, options }: RunPlan,
): Promise<PlanRun> {
  const items = await checkPlan(deps, definition);
  const machines = machinesOf(definition).map((itemId): readonly [string, PlanMachine] => {
    const itemName = items.get(itemId)?.name ?? itemId;
    return [itemId, { itemId, itemName, jobId: null, state: 'waiting' }];
  });
  return {
    id: deps.newJobId('pr'),
    planId,
    definition,
    kind,
    recoveryPoint,
    maxDataLossMinutes,
    acceptUnreachableSource,
    options: { ...options, autoCommit: false },
    state: 'running',
    attempt: 1,
    createdAt: deps.clock.now().toISOString(),
    endedAt: null,
    cancelAskedAt: null,
    machines: Object.fromEntries(machines),
    groups: {},
    actions: {},
    groupPoints: {},
    gate: null,
    decisions: {},
    error: null,
  };
}
