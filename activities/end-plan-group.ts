import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/** Notes when the group was through. A run that is taken up again leaves it alone. Idempotent. */
export const createEndPlanGroup = ({ stores, clock }: StoreDeps): ActivityHandler<'endPlanGroup'> =>
  async function endPlanGroup({ runId, groupId }) {
    const endedAt = clock.now().toISOString();
    await updateRun(stores, runId, (run) => {
      const group = run.groups[groupId];
      if (group === undefined || group.endedAt !== null) return run;
      return { ...run, groups: { ...run.groups, [groupId]: { ...group, endedAt } } };
    });
    return null;
  };
