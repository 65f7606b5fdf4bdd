import type { ActivityHandler } from '../shared/contracts/activities.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireRun } from './support/plan-runs.ts';

/** What the run's orchestration has to know of the plan. Reads only. */
export const createBeginPlanRun = ({ stores }: StoreDeps): ActivityHandler<'beginPlanRun'> =>
  async function beginPlanRun({ runId }) {
    const { kind, definition, options } = await requireRun(stores, runId);
    const groupIds = definition.groups.map(({ id }) => id);
    return { kind, groupIds, isFailoverAutomatic: options.autoFailover };
  };
