import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { invariant } from '../shared/domain/assert.ts';
import { actionsOf, type PlanGroup } from '../shared/domain/recovery-plan.ts';
import { redact } from '../shared/domain/secret.ts';
import { MAX_ACTION_OUTPUT } from '../shared/policy/limits.ts';
import type { ActivityDeps } from './support/deps.ts';
import { requireRun } from './support/plan-runs.ts';

/** The receiver may be asked again: it is starting, or has too much to do. */
const PASSES_BY_ITSELF: readonly number[] = [408, 425, 429];

/**
 * One attempt at a webhook. The idempotency key is the same for every attempt of a run, so that a receiver which
 * did its work and could not answer does it once. Throws FB-RCV-009 for a secret that is not there.
 */
export const createCallPlanWebhook = ({
  stores,
  webhooks,
}: Pick<ActivityDeps, 'stores' | 'webhooks'>): ActivityHandler<'callPlanWebhook'> =>
  async function callPlanWebhook({ runId, actionId }) {
    const { planId, kind, definition } = await requireRun(stores, runId);
    const action = actionsOf(definition).find(({ id }) => id === actionId);
    invariant(action?.kind === 'webhook', `${actionId} of ${runId} is no webhook`);
    const { url, secretName, timeoutSeconds } = action;
    const body = {
      planId,
      planName: definition.name,
      runId,
      kind,
      actionId,
      actionName: action.name,
      ...placeOf(definition.groups, actionId),
    };
    const { status, detail: text } = await webhooks.deliver({
      url,
      secretName,
      idempotencyKey: `${runId}-${actionId}`,
      body: JSON.stringify(body),
      timeoutMs: timeoutSeconds * 1000,
    });
    const detail = redact(`${status ?? 'no answer'} ${text}`.trim()).slice(0, MAX_ACTION_OUTPUT);
    if (status === null) return { outcome: 'unreachable', detail };
    if (status >= 200 && status < 300) return { outcome: 'delivered', detail };
    const isPassing = status >= 500 || PASSES_BY_ITSELF.includes(status);
    return { outcome: isPassing ? 'unreachable' : 'refused', detail };
  };

function placeOf(
  groups: readonly PlanGroup[],
  actionId: string,
): { readonly groupId: string; readonly when: 'before' | 'after' } | null {
  for (const { id: groupId, preActions, postActions } of groups) {
    if (preActions.some(({ id }) => id === actionId)) return { groupId, when: 'before' };
    if (postActions.some(({ id }) => id === actionId)) return { groupId, when: 'after' };
  }
  return null;
}
