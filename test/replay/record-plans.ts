import {
  type OrchestrationName,
  partInstanceId,
  planRunInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { PlanWorld } from '../support/plans/plan-world.ts';
import type { Recording } from './golden.ts';

/**
 * A plan with each kind of action and gate, of which a webhook first fails; one that is rolled back; and one of which
 * a machine fails at its gate while another has no recovery point.
 */
export async function recordPlans(): Promise<Record<string, Recording>> {
  return { ...(await recordRun()), ...(await recordRollBack()), ...(await recordLateFailure()) };
}

async function recordRun(): Promise<Record<string, Recording>> {
  const world = new PlanWorld(['db', 'web']);
  try {
    world.memory.webhooks.answers.push({ status: 503, detail: '' }, { status: 400, detail: '' });
    await world.plan([
      {
        id: 'db',
        preActions: [
          { id: 'dns', kind: 'webhook' },
          { id: 'stop', kind: 'script' },
        ],
        postActions: [{ id: 'look', kind: 'manual' }],
        pauseAfter: { seconds: 90 },
      },
      { id: 'web' },
    ]);
    const id = planRunInstanceId(await world.run({ options: {} }), 1);
    await world.untilGate('failover');
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('manual');
    await world.call('completeManualStep', { actionId: 'look' });
    await world.untilGate('commit');
    await world.call('commitPlanRun');
    await world.untilEnd();
    return {
      'recovery-plan': take(world, 'recoveryPlan', id),
      'plan-group': take(world, 'planGroup', partInstanceId(id, 'group-db')),
      'plan-stage': take(world, 'planStage', partInstanceId(id, 'prepare-1')),
      'plan-gate': take(world, 'planGate', partInstanceId(id, 'failover')),
      'plan-pause': take(
        world,
        'planGate',
        partInstanceId(partInstanceId(id, 'group-db'), 'pause-db'),
      ),
    };
  } finally {
    world.dispose();
  }
}

async function recordRollBack(): Promise<Record<string, Recording>> {
  const world = new PlanWorld(['db', 'web']);
  try {
    world.machines.failing.set('db', 'booting');
    await world.plan([{ id: 'db' }, { id: 'web' }], { onFailure: 'rollBack' });
    const id = planRunInstanceId(await world.run(), 1);
    await world.untilEnd();
    return { 'recovery-plan-rolled-back': take(world, 'recoveryPlan', id) };
  } finally {
    world.dispose();
  }
}

async function recordLateFailure(): Promise<Record<string, Recording>> {
  const world = new PlanWorld(['db', 'web', 'app']);
  try {
    const { pointsOf } = world.machines;
    world.machines.pointsOf = (itemId) => (itemId === 'web' ? [] : pointsOf(itemId));
    await world.plan([{ id: 'db' }, { id: 'web' }, { id: 'app' }]);
    const id = planRunInstanceId(await world.run(), 1);
    await world.untilGate('points');
    world.machines.breakDown('db');
    await world.call('resumePlanRun');
    await world.untilGate('failure');
    await world.call('resumePlanRun');
    await world.untilGate('points');
    await world.call('resumePlanRun', {}, { skip: true });
    await world.untilGate('commit');
    await world.call('commitPlanRun');
    await world.untilEnd();
    return { 'recovery-plan-late-failure': take(world, 'recoveryPlan', id) };
  } finally {
    world.dispose();
  }
}

function take(world: PlanWorld, orchestration: OrchestrationName, instanceId: string): Recording {
  const { input, historyEvents = [] } = world.host.status(instanceId);
  return { orchestration, instanceId, input, history: historyEvents };
}
