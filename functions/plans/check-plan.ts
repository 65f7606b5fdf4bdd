import { runRecordCharacters } from '../../shared/domain/plan-size.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import { type PlanDefinition, problemsOfPlan } from '../../shared/domain/recovery-plan.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { MAX_RUN_CHARACTERS } from '../../shared/policy/limits.ts';
import type { FunctionDeps } from '../support/deps.ts';

/**
 * Whether the plan can be run, said now and not when half of the machines are down: FB-RCV-003, FB-RCV-009 and
 * FB-RCV-017. Returns the protected items.
 */
export async function checkPlan(
  deps: FunctionDeps,
  definition: PlanDefinition,
): Promise<ReadonlyMap<string, ProtectedItem>> {
  const items = new Map((await deps.stores.items.list()).map((item) => [item.id, item]));
  const problems = problemsOfPlan(definition, new Set(items.keys()));
  if (problems.length > 0) throw new FailbackError('FB-RCV-003', { problems: problems.join('; ') });
  refuseUnknownSecrets(definition, deps.webhookSecretNames);
  const actual = runRecordCharacters(definition, (id) => items.get(id)?.name ?? id);
  if (actual > MAX_RUN_CHARACTERS) {
    throw new FailbackError('FB-RCV-017', { actual, limit: MAX_RUN_CHARACTERS });
  }
  return items;
}

function refuseUnknownSecrets({ groups }: PlanDefinition, known: readonly string[]): void {
  for (const { preActions, postActions } of groups) {
    for (const action of [...preActions, ...postActions]) {
      if (action.kind !== 'webhook' || known.includes(action.secretName)) continue;
      throw new FailbackError('FB-RCV-009', { secretName: action.secretName });
    }
  }
}
