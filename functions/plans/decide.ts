import { INTENT_EVENT, planRunInstanceId } from '../../shared/contracts/orchestrations.ts';
import {
  allowedPlanActions,
  isFailure,
  isRunOver,
  type PlanDecision,
  type PlanRun,
} from '../../shared/domain/plan-run.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import {
  recordDecision,
  recordRunEnd,
  recordRunEvent,
} from '../../shared/services/record-run-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { startOrchestration } from './start-run.ts';

type Decision =
  | { readonly action: 'commit' }
  | { readonly action: 'resume'; readonly skip: boolean }
  | {
      readonly action: 'complete';
      readonly actionId: string;
      readonly outcome: 'done' | 'failed';
      readonly note: string;
    };

export type PlanWish = (Decision | { readonly action: 'cancel' }) & { readonly caller: string };

/**
 * Writes down what a person decided, then wakes the run. Resume and cancel also take up a run whose
 * orchestration was stopped from outside. Throws FB-RCV-005 for what the run does not take now.
 */
export async function decide(deps: FunctionDeps, runId: string, wish: PlanWish): Promise<PlanRun> {
  const before = (await deps.stores.planRuns.get(runId))?.value;
  if (before === undefined) throw noRun(runId);
  const { action, caller } = wish;
  const at = deps.clock.now().toISOString();
  const isRevival = action === 'resume' || action === 'cancel';
  if (isRevival && !(await isAlive(deps, before))) {
    return takeUp(deps, before, { action, caller, at });
  }
  let gateKey = '';
  const run = await updateRecord(deps.stores.planRuns, runId, (current) => {
    gateKey = current.gate?.key ?? '';
    refuseIfImpossible(current, wish);
    return wish.action === 'cancel' ? cancelled(current, at) : decided(current, wish, at);
  });
  if (run === null) throw noRun(runId);
  if (action === 'cancel') await noteAsked(deps, run, { action, caller, at });
  else await recordDecision(deps.stores, run, gateKey);
  const waiting = before.gate?.instanceId;
  if (waiting !== undefined) await deps.orchestrator.wake(waiting, INTENT_EVENT);
  return run;
}

async function isAlive(deps: FunctionDeps, run: PlanRun): Promise<boolean> {
  if (isRunOver(run)) return true;
  return deps.orchestrator.isRunning(planRunInstanceId(run.id, run.attempt));
}

/**
 * Its record says how far it got; instances of the earlier attempt keep their names. A run that never got the
 * plan has done nothing, and ends.
 */
async function takeUp(deps: FunctionDeps, before: PlanRun, asked: Asked): Promise<PlanRun> {
  const { id: runId, planId } = before;
  const plan = await deps.stores.plans.get(planId);
  const isOwner = plan?.value.activeRunId === runId;
  const { action, at } = asked;
  const run = await updateRecord(deps.stores.planRuns, runId, (current) => {
    if (!isOwner) return { ...current, state: 'cancelled', endedAt: at } as const;
    const next = { ...current, attempt: current.attempt + 1 };
    return action === 'resume' ? next : cancelled(next, at);
  });
  if (run === null) throw noRun(runId);
  await noteAsked(deps, run, asked);
  if (isOwner) await startOrchestration(deps, run);
  else await recordRunEnd(deps.stores, run);
  return run;
}

interface Asked {
  readonly action: 'cancel' | 'resume';
  readonly caller: string;
  readonly at: string;
}

/** Also what was asked for before: who pressed the button twice, and when. */
async function noteAsked(
  deps: FunctionDeps,
  run: PlanRun,
  { action, ...asked }: Asked,
): Promise<void> {
  await recordRunEvent(deps.stores, deps.newEventKey(), run, {
    kind: 'runAsked',
    ...asked,
    what: (name) => `${action} of the ${name}`,
  });
}

function refuseIfImpossible(run: PlanRun, wish: PlanWish): void {
  const { action } = wish;
  const { gate } = run;
  if (isRunOver(run)) throw refusal(run, action, `it has ended as ${run.state}`);
  if (action === 'cancel' && run.cancelAskedAt !== null) return;
  if (!allowedPlanActions(run).includes(action)) {
    const waiting = gate === null ? 'it does not wait for anybody' : `it waits: ${gate.message}`;
    const isCommitted = run.decisions['commit'] !== undefined;
    throw refusal(run, action, isCommitted ? 'the commit was decided' : waiting);
  }
  if (action !== 'complete' || gate?.actionId === wish.actionId) return;
  throw refusal(run, action, `it waits for the step ${gate?.actionId ?? ''}`);
}

function refusal({ id: runId }: PlanRun, action: string, reason: string): FailbackError {
  return new FailbackError('FB-RCV-005', { runId, action, reason });
}

function cancelled(run: PlanRun, at: string): PlanRun {
  if (run.cancelAskedAt !== null) return run;
  return { ...run, cancelAskedAt: at, gate: null, state: 'running' };
}

function decided(run: PlanRun, wish: Decision & { caller: string }, at: string): PlanRun {
  const { gate } = run;
  if (gate === null) return run;
  const note = wish.action === 'complete' ? wish.note : '';
  const decision = { decision: decisionOf(wish), note, at, caller: wish.caller };
  const decisions = { ...run.decisions, [gate.key]: decision };
  // Whoever resumes after machines failed goes on without them.
  const isGivingUp = gate.kind === 'failure' && gate.actionId === undefined;
  const machines = isGivingUp ? withoutFailed(run) : run.machines;
  return { ...run, gate: null, state: 'running', decisions, machines };
}

function decisionOf(wish: Decision): PlanDecision {
  switch (wish.action) {
    case 'resume':
      return wish.skip ? 'skip' : 'resume';
    case 'complete':
      return wish.outcome === 'done' ? 'complete' : 'fail';
    case 'commit':
      return 'commit';
  }
}

function withoutFailed({ machines }: PlanRun): PlanRun['machines'] {
  return Object.fromEntries(
    Object.entries(machines).map(([id, machine]) => [
      id,
      isFailure(machine) ? { ...machine, isLeftBehind: true } : machine,
    ]),
  );
}

function noRun(id: string): FailbackError {
  return new FailbackError('FB-REQ-002', { kind: 'run of a recovery plan', id });
}
