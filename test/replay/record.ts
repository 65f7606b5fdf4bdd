import {
  type OrchestrationName,
  partInstanceId,
  rehearsalInstanceId,
  reverseReplicationInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { REVERSE_CYCLE_MS } from '../../shared/policy/limits.ts';
import { World } from '../support/world/world.ts';
import type { Recording } from './golden.ts';

/** Takes the histories of real runs: of every orchestration at least one, some of them on their way. */
export async function recordHistories(): Promise<Readonly<Record<string, Recording>>> {
  return {
    ...(await recordWayHome()),
    ...(await recordCancel()),
    ...(await recordRehearsal()),
  };
}

async function recordWayHome(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id, instanceId } = await world.start();
    const part = (name: string): string => partInstanceId(id, name);
    await world.until(() => world.job().cycles.length === 2);
    await world.settle();
    const cycle = take(world, 'replication', part('replication'));
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    await world.advance(60_000);
    await world.ask('commit');
    await world.untilEnd();
    await world.advance(REVERSE_CYCLE_MS + 1_500);
    return {
      failback: take(world, 'failback', instanceId),
      reprotect: take(world, 'reprotect', part('reprotect')),
      'replication-cycle': cycle,
      'replication-decision': take(world, 'replication', part('replication')),
      command: take(world, 'command', part('replicate-0-os')),
      failover: take(world, 'failover', part('failover')),
      gate: take(world, 'gate', part('commit-gate')),
      commit: take(world, 'commit', part('commit')),
      'reverse-replicate': take(world, 'reverseReplicate', part('reverse-replicate')),
      'reverse-replication': take(
        world,
        'reverseReplication',
        reverseReplicationInstanceId(world.item.id),
      ),
    };
  } finally {
    world.dispose();
  }
}

async function recordCancel(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id, instanceId } = await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    await world.ask('cancel');
    await world.untilEnd();
    return {
      'failback-cancelled': take(world, 'failback', instanceId),
      rollback: take(world, 'rollback', partInstanceId(id, 'rollback')),
    };
  } finally {
    world.dispose();
  }
}

async function recordRehearsal(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    await world.startRehearsal();
    await world.untilEnd();
    return { rehearsal: take(world, 'rehearsal', rehearsalInstanceId(world.item.id)) };
  } finally {
    world.dispose();
  }
}

function take(world: World, orchestration: OrchestrationName, instanceId: string): Recording {
  const { input, historyEvents = [] } = world.host.status(instanceId);
  return { orchestration, instanceId, input, history: historyEvents };
}
