import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { invariant } from '../shared/domain/assert.ts';
import type { PlanAction } from '../shared/domain/recovery-plan.ts';
import type { StoreDeps } from './support/deps.ts';
import { updateRun } from './support/plan-runs.ts';

/** Notes when the group began, and says what belongs to it in this kind of run. Idempotent. */
export const createBeginPlanGroup = ({
  stores,
  clock,
}: StoreDeps): ActivityHandler<'beginPlanGroup'> =>
  async function beginPlanGroup({ runId, groupId }) {
    const startedAt = clock.now().toISOString();
    const run = await updateRun(stores, runId, (current) => {
      if (current.groups[groupId] !== undefined) return current;
      const groups = { ...current.groups, [groupId]: { startedAt, endedAt: null } };
      return { ...current, groups };
    });
    const { definition, kind } = run;
    const index = definition.groups.findIndex(({ id }) => id === groupId);
    const group = definition.groups[index];
    invariant(group !== undefined, `The run ${runId} has no group ${groupId}`);
    const idsOf = (actions: readonly PlanAction[]): readonly string[] =>
      actions.filter(({ runsIn }) => runsIn.includes(kind)).map(({ id }) => id);
    const isLast = index === definition.groups.length - 1;
    return {
      isDone: (run.groups[groupId]?.endedAt ?? null) !== null,
      kind,
      preActions: idsOf(group.preActions),
      postActions: idsOf(group.postActions),
      pause: isLast ? null : group.pauseAfter,
    };
  };
