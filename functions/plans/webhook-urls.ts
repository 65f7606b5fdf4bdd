import type { PlanAction, PlanDefinition } from '../../shared/domain/recovery-plan.ts';
import { actionsOf } from '../../shared/domain/recovery-plan.ts';
import { redact, REDACTED } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';

/**
 * A plan that was read, changed and sent back has the URLs of its webhooks as they were shown: each stands for the one
 * that is stored. Throws FB-RCV-018 for a mark that stands for nothing.
 */
export function withStoredUrls(
  given: PlanDefinition,
  stored: PlanDefinition | null,
): PlanDefinition {
  const known = new Map((stored === null ? [] : actionsOf(stored)).map((each) => [each.id, each]));
  const restored = (action: PlanAction): PlanAction => {
    if (action.kind !== 'webhook' || !action.url.includes(REDACTED)) return action;
    const before = known.get(action.id);
    if (before?.kind === 'webhook' && redact(before.url) === action.url) {
      return { ...action, url: before.url };
    }
    throw new FailbackError('FB-RCV-018', { actionId: action.id });
  };
  const groups = given.groups.map((group) => ({
    ...group,
    preActions: group.preActions.map(restored),
    postActions: group.postActions.map(restored),
  }));
  return { ...given, groups };
}
