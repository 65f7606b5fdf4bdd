import type { PlanRun } from '../../shared/domain/plan-run.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Stores } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';

export async function requireRun(stores: Stores, id: string): Promise<PlanRun> {
  const found = await stores.planRuns.get(id);
  if (found === null) throw noRun(id);
  return found.value;
}

export async function updateRun(
  stores: Stores,
  id: string,
  change: (run: PlanRun) => PlanRun,
): Promise<PlanRun> {
  const updated = await updateRecord(stores.planRuns, id, change);
  if (updated === null) throw noRun(id);
  return updated;
}

function noRun(id: string): FailbackError {
  return new FailbackError('FB-REQ-002', { kind: 'run of a recovery plan', id });
}
