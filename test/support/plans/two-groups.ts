import { expect } from '@jest/globals';
import type { FailurePolicy } from '../../../shared/domain/recovery-plan.ts';
import type { GroupSketch, PlanWorld } from './plan-world.ts';

/** One machine that goes first, and two that follow it together. */
export const TWO_GROUPS: readonly GroupSketch[] = [
  { id: 'first', itemIds: ['db'] },
  { id: 'second', itemIds: ['app', 'web'] },
];

/** Writes the plan of both groups and starts its run; resolves once the run has begun. */
export async function ranTwoGroups(
  world: PlanWorld,
  onFailure: FailurePolicy = 'stop',
): Promise<void> {
  await world.plan(TWO_GROUPS, { onFailure });
  await world.run();
}

/** Commits the run as soon as it waits for that. */
export async function commit(world: PlanWorld): Promise<void> {
  await world.untilGate('commit');
  expect((await world.call('commitPlanRun')).status).toBe(202);
}
