import type { ActivityOutput } from '../../shared/contracts/activities.ts';
import type { PlanAction } from '../../shared/domain/recovery-plan.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS, POLL_MS } from '../../shared/policy/deadlines.ts';
import { passGate } from './plan.ts';
import { runCommand } from './run-command.ts';
import {
  asResult,
  callActivity,
  type Context,
  growingPauses,
  sleep,
  StepFailure,
  type Steps,
} from './steps.ts';

type Begun = ActivityOutput<'beginPlanAction'>;
type Of<K extends PlanAction['kind']> = Extract<PlanAction, { readonly kind: K }>;

interface Attempt {
  readonly runId: string;
  readonly attempt: number;
}

/**
 * Carries out one action of a plan until it is done, skipped by a person, or its failure is what the plan goes on
 * with. Throws the failure where the plan rolls back.
 */
export function* runPlanAction(context: Context, runId: string, actionId: string): Steps<void> {
  for (;;) {
    const begun = yield* callActivity(context, 'beginPlanAction', { runId, actionId });
    if (begun.isDone) return;
    const result = yield* asResult(carryOut(context, runId, begun));
    const state = result.ok ? 'succeeded' : 'failed';
    const detail = result.ok ? result.value : `${result.error.code} ${result.error.message}`;
    if (!result.ok && result.error.code === 'FB-RCV-007') throw new StepFailure(result.error);
    const end = { runId, actionId, state, detail } as const;
    yield* callActivity(
      context,
      'endPlanAction',
      result.ok ? end : { ...end, code: result.error.code },
    );
    if (result.ok || begun.onFailure === 'continue') return;
    if (begun.onFailure === 'rollBack') throw new StepFailure(result.error);
    const { decision } = yield* passGate(context, {
      runId,
      key: `action-${actionId}-${begun.attempt}`,
      kind: 'failure',
      actionId,
      message: `${begun.action.name} failed; resume to do it again or to skip it, or cancel`,
    });
    if (decision !== 'skip') continue;
    yield* callActivity(context, 'endPlanAction', { runId, actionId, state: 'skipped', detail });
    return;
  }
}

function* carryOut(context: Context, runId: string, { action, attempt }: Begun): Steps<string> {
  const at = { runId, attempt };
  switch (action.kind) {
    case 'webhook':
      return yield* callWebhook(context, action, runId);
    case 'script':
      return yield* runScript(context, action, at);
    case 'manual':
      return yield* waitForPerson(context, action, at);
  }
}

function* callWebhook(context: Context, action: Of<'webhook'>, runId: string): Steps<string> {
  const pauses = growingPauses(POLL_MS.webhookFirst, POLL_MS.webhookMax);
  for (let attempts = 1; ; attempts += 1) {
    const call = { runId, actionId: action.id };
    const { outcome, detail } = yield* callActivity(context, 'callPlanWebhook', call);
    if (outcome === 'delivered') return detail;
    if (outcome === 'refused' || attempts >= action.maxAttempts) {
      const values = { actionId: action.id, attempts, reason: detail };
      throw new StepFailure(errorRecord('FB-RCV-008', values));
    }
    yield* sleep(context, pauses.next().value);
  }
}

/** An attempt after a failure is a command of its own: the same id would be answered with the first result. */
function* runScript(
  context: Context,
  action: Of<'script'>,
  { runId, attempt }: Attempt,
): Steps<string> {
  const { configurationServer, script, timeoutSeconds } = action;
  const { agentId } = yield* callActivity(context, 'findConfigurationServer', {
    name: configurationServer,
  });
  const { output } = yield* runCommand(context, {
    jobId: runId,
    step: `${action.id}-${attempt}`,
    agentId,
    name: 'runScript',
    input: { script, arguments: action.arguments, timeoutSeconds },
    deadlineMs: DEADLINE_MS.quickCommand + timeoutSeconds * 1000,
  });
  return output;
}

function* waitForPerson(
  context: Context,
  action: Of<'manual'>,
  { runId, attempt }: Attempt,
): Steps<string> {
  const { decision, note } = yield* passGate(context, {
    runId,
    key: `manual-${action.id}-${attempt}`,
    kind: 'manual',
    actionId: action.id,
    message: action.instructions,
  });
  if (decision !== 'fail') return note;
  throw new StepFailure(errorRecord('FB-RCV-013', { actionId: action.id, note }));
}
