import { INTENT_EVENT, planRunInstanceId } from '../../shared/contracts/orchestrations.ts';
import {
  allowedPlanActions,
  isFailure,
  isRunOver,
  type PlanDecision,
  type PlanMachine,
  type PlanRun,
} from '../../shared/domain/plan-run.ts';
import { shortened } from '../../shared/domain/stored-size.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MAX_KEPT_NOTE } from '../../shared/policy/limits.ts';
import type { Versioned } from '../../shared/ports/stores.ts';
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

interface Request {
  readonly caller: string;
  /** The gate that the person saw; absent = whichever is open. */
  readonly gate?: string | undefined;
  /** Throws when the run is not the one that the person saw. */
  readonly check?: (current: Versioned<PlanRun>) => void;
}

export type PlanWish = (Decision | { readonly action: 'cancel' }) & Request;

/**
 * Writes down what a person decided, then wakes the run. Resume and cancel also take up a run that was interrupted,
 * or whose orchestration was stopped from outside. Throws FB-RCV-005 for what the run does not take now, FB-RCV-015
 * where another gate is open than the person saw.
 */
export async function decide(deps: FunctionDeps, runId: string, wish: PlanWish): Promise<PlanRun> {
  const before = (await deps.stores.planRuns.get(runId))?.value;
  if (before === undefined) throw noRun(runId);
  const { action, caller } = wish;
  const at = deps.clock.now().toISOString();
  if ((action === 'resume' || action === 'cancel') && !(await isAlive(deps, before))) {
    return takeUp(deps, before, { ...wish, action, at });
  }
  let gateKey = '';
  const run = await updateRecord(deps.stores.planRuns, runId, (current, etag) => {
    wish.check?.({ value: current, etag });
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
  // Its orchestration may be in its last turn yet: nobody hears there any more.
  if (run.state === 'interrupted') return false;
  return deps.orchestrator.isRunning(planRunInstanceId(run.id, run.attempt));
}

type Revival = Asked & Request & { readonly skip?: boolean };

/**
 * Its record says how far it got; instances of the earlier attempt keep their names. A run that never got the
 * plan has done nothing, and ends. The next attempt is counted once it was started: of two persons at the same
 * moment both ask for the same attempt, and one orchestration comes of it.
 */
async function takeUp(deps: FunctionDeps, before: PlanRun, asked: Revival): Promise<PlanRun> {
  const { id: runId, planId } = before;
  const plan = await deps.stores.plans.get(planId);
  const isOwner = plan?.value.activeRunId === runId;
  const { at } = asked;
  const revived = await updateRecord(deps.stores.planRuns, runId, (current, etag) => {
    asked.check?.({ value: current, etag });
    if (isRunOver(current))
      throw refusal(current, asked.action, `it has ended as ${current.state}`);
    if (!isOwner) return { ...current, state: 'cancelled', endedAt: at } as const;
    return wokenUp(current, asked, current.attempt === before.attempt);
  });
  if (revived === null) throw noRun(runId);
  await noteAsked(deps, revived, asked);
  if (!isOwner) {
    await recordRunEnd(deps.stores, revived);
    return revived;
  }
  const attempt = before.attempt + 1;
  await startOrchestration(deps, { ...revived, attempt });
  const run = await updateRecord(deps.stores.planRuns, runId, (current) =>
    current.attempt >= attempt ? current : { ...current, attempt },
  );
  return run ?? revived;
}

/** `isFirst`: nobody else has taken the run up meanwhile. */
function wokenUp(run: PlanRun, asked: Revival, isFirst: boolean): PlanRun {
  const { action, gate, at } = asked;
  if (action === 'cancel') {
    if (isCommitDecided(run)) throw refusal(run, action, COMMIT_DECIDED);
    return cancelled(isFirst ? restarted(run) : run, at);
  }
  if (!isFirst) return run;
  if (gate === undefined) return restarted(run);
  refuseOtherGate(run, gate);
  const { skip = false, caller } = asked;
  return decided(restarted(run), { action, skip, caller }, at);
}

function restarted(run: PlanRun): PlanRun {
  const { interruptedAt: _over, ...rest } = run;
  return { ...rest, state: 'running', error: null };
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
  { action, caller, at }: Asked,
): Promise<void> {
  await recordRunEvent(deps.stores, deps.newEventKey(), run, {
    kind: 'runAsked',
    at,
    caller,
    what: (name) => `${action} of the ${name}`,
  });
}

function refuseIfImpossible(run: PlanRun, wish: PlanWish): void {
  const { action } = wish;
  const { gate } = run;
  if (isRunOver(run)) throw refusal(run, action, `it has ended as ${run.state}`);
  if (action === 'cancel' && run.cancelAskedAt !== null) return;
  if (wish.gate !== undefined) refuseOtherGate(run, wish.gate);
  if (!allowedPlanActions(run).includes(action)) {
    throw refusal(run, action, isCommitDecided(run) ? COMMIT_DECIDED : waitingOf(gate));
  }
  if (action !== 'complete' || gate?.actionId === wish.actionId) return;
  throw refusal(run, action, `it waits for the step ${gate?.actionId ?? ''}`);
}

const COMMIT_DECIDED = 'the commit was decided';

function isCommitDecided({ decisions }: PlanRun): boolean {
  return decisions['commit'] !== undefined;
}

function waitingOf(gate: PlanRun['gate']): string {
  return gate === null ? 'it does not wait for anybody' : `it waits: ${gate.message}`;
}

/** Two people press the same button, and the run goes on in between: the second one must not decide what comes next. */
function refuseOtherGate({ id: runId, gate, decisions }: PlanRun, wanted: string): void {
  if (gate?.key === wanted) return;
  const isDecided = decisions[wanted] !== undefined;
  const waiting = isDecided ? 'that was decided already' : waitingOf(gate);
  throw new FailbackError('FB-RCV-015', { runId, gate: wanted, waiting });
}

function refusal({ id: runId }: PlanRun, action: string, reason: string): FailbackError {
  return new FailbackError('FB-RCV-005', { runId, action, reason });
}

function cancelled(run: PlanRun, at: string): PlanRun {
  if (run.cancelAskedAt !== null) return run;
  return { ...run, cancelAskedAt: at, gate: null, state: 'running' };
}

function decided(run: PlanRun, wish: Decision & Request, at: string): PlanRun {
  const { gate } = run;
  if (gate === null) return run;
  const note = wish.action === 'complete' ? shortened(wish.note, MAX_KEPT_NOTE) : '';
  const decision = { decision: decisionOf(wish), note, at, caller: wish.caller };
  const decisions = { ...run.decisions, [gate.key]: decision };
  const machines = leavingBehind(run, decision.decision);
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

/** Whoever resumes after machines failed goes on without them; without those that were refused only who says so. */
function leavingBehind({ gate, machines }: PlanRun, decision: PlanDecision): PlanRun['machines'] {
  const isAfterFailure = gate?.kind === 'failure' && gate.actionId === undefined;
  if (isAfterFailure) return changed(machines, (machine) => isFailure(machine) && LEFT_BEHIND);
  if (gate?.kind !== 'points' || decision !== 'skip') return machines;
  return changed(
    machines,
    ({ state, error }) =>
      state === 'ready' && error !== undefined && { ...LEFT_BEHIND, state: 'failed' },
  );
}

const LEFT_BEHIND = { isLeftBehind: true } as const;

function changed(
  machines: PlanRun['machines'],
  changeOf: (machine: PlanMachine) => Partial<PlanMachine> | false,
): PlanRun['machines'] {
  return Object.fromEntries(
    Object.entries(machines).map(([id, machine]) => {
      const change = changeOf(machine);
      return [id, change === false ? machine : { ...machine, ...change }];
    }),
  );
}

function noRun(id: string): FailbackError {
  return new FailbackError('FB-REQ-002', { kind: 'run of a recovery plan', id });
}
