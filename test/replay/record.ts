import {
  type OrchestrationName,
  jobInstanceId,
  partInstanceId,
  reverseReplicationInstanceId,
} from '../../shared/contracts/orchestrations.ts';
import { REVERSE_CYCLE_MS } from '../../shared/policy/limits.ts';
import { HOUR_MS, LASTING_FAULT, MASTER_TARGET, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';
import type { Recording } from './golden.ts';
import { recordPlans } from './record-plans.ts';

/** Takes the histories of real runs: of every orchestration at least one, some of them on their way. */
export async function recordHistories(): Promise<Readonly<Record<string, Recording>>> {
  return {
    ...(await recordWayHome()),
    ...(await recordCancel()),
    ...(await recordRehearsal()),
    ...(await recordOlderPoint()),
    ...(await recordHeldBack()),
    ...(await recordRepair()),
    ...(await recordComparison()),
    ...(await recordGrowth()),
    ...(await recordLongTransfer()),
    ...(await recordTakenUp()),
    ...(await recordPreflight()),
    ...(await recordCommonPoint()),
    ...(await recordPlans()),
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
      'command-towards-azure': take(world, 'command', part(`${id}-r0-send-os`)),
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
    return { rehearsal: take(world, 'rehearsal', jobInstanceId(world.job().id, 'rehearsal')) };
  } finally {
    world.dispose();
  }
}

/** An older point is chosen: the disks are taken back before they are proved. */
async function recordOlderPoint(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id } = await world.start({
      cycleIntervalSeconds: 60,
      applicationConsistentMinutes: 60,
    });
    await world.until(() => world.job().cycles.length === 3);
    await world.settle();
    await world.ask('failover', 'latestApplicationConsistent');
    await world.untilWaiting('commitPending');
    return { 'failover-older-point': take(world, 'failover', partInstanceId(id, 'failover')) };
  } finally {
    world.dispose();
  }
}

/** A failover that is put back right before the shutdown, and the round in which it is done. */
async function recordHeldBack(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id, instanceId } = await world.start({ cycleIntervalSeconds: 60 });
    await world.until(() => world.job().cycles.length === 2);
    await world.settle();
    world.agents.behaviours.plan('replicateDisk', { afterMs: 2 * HOUR_MS }, 2);
    await world.advance(5 * MINUTE_MS);
    await world.ask('failover', 'latestProcessed', { maxDataLossMinutes: 60 });
    await world.until(() => world.job().heldBack !== undefined);
    await world.settle();
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    return {
      'failover-held-back': take(world, 'failover', partInstanceId(id, 'failover')),
      'failback-held-back': take(world, 'failback', instanceId),
    };
  } finally {
    world.dispose();
  }
}

/** Blocks of both disks differ and are sent again. */
async function recordRepair(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { blocks } = LASTING_FAULT;
    const both = [...blocks, ...blocks.map((block) => ({ ...block, diskId: 'lun-0' }))];
    world.site.storageFault = { blocks: both, isLasting: false };
    const { id } = await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    return { 'failover-repaired': take(world, 'failover', partInstanceId(id, 'failover')) };
  } finally {
    world.dispose();
  }
}

/** A disk was made larger in Azure between two cycles. */
async function recordGrowth(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id } = await world.start();
    await world.untilWaiting('replicating');
    world.vm.disks = world.vm.disks.map((disk) => ({ ...disk, sizeBytes: 2 * disk.sizeBytes }));
    await world.until(() => world.job().cycles.length === 3);
    await world.settle();
    return { 'replication-grown': take(world, 'replication', partInstanceId(id, 'replication')) };
  } finally {
    world.dispose();
  }
}

/** Somebody else wrote to the disk at home: the point is compared and sealed again. */
async function recordComparison(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id } = await world.start();
    await world.untilWaiting('replicating');
    world.site.isWrittenByOthers = true;
    await world.until(() => world.job().cycles.length === 2);
    await world.settle();
    const loop = take(world, 'replication', partInstanceId(id, 'replication'));
    return { 'replication-compared': loop };
  } finally {
    world.dispose();
  }
}

/** A transfer on its way in its second execution, and one that was given up. */
async function recordLongTransfer(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    world.agents.behaviours.plan('replicateDisk', { afterMs: 4 * HOUR_MS });
    const { id } = await world.start();
    await world.until(() => world.job().cycles.length === 1);
    await world.settle();
    const afresh = take(world, 'command', partInstanceId(id, 'replicate-0-os'));
    world.agents.behaviours.plan('replicateDisk', { answer: 'never' });
    await world.untilWaiting('replicating');
    await world.advance(20 * MINUTE_MS);
    const waiting = take(world, 'command', partInstanceId(id, 'replicate-1-os'));
    await world.ask('cancel');
    await world.untilEnd();
    const brokenOff = take(world, 'command', partInstanceId(id, 'replicate-1-os'));
    return {
      'command-afresh': afresh,
      'command-waiting': waiting,
      'command-broken-off': brokenOff,
    };
  } finally {
    world.dispose();
  }
}

/** A failback that is taken up at the gate, and one that first undoes what was left. */
async function recordTakenUp(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    await world.start({ autoFailover: true });
    await world.untilPhase('booting');
    world.terminateEverything();
    const second = await world.start({ autoFailover: true });
    await world.untilWaiting('commitPending');
    const anew = take(world, 'failback', second.instanceId);
    world.terminateEverything();
    const { instanceId } = await world.start();
    await world.untilWaiting('commitPending');
    await world.ask('commit');
    await world.untilEnd();
    return {
      'failback-begun-anew': anew,
      'failback-taken-up': take(world, 'failback', instanceId),
    };
  } finally {
    world.dispose();
  }
}

/** A run by itself, and one for which an agent does not tell what it is asked. */
async function recordPreflight(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const done = await world.startPreflight();
    await world.advance(MINUTE_MS);
    world.setAgentDown(MASTER_TARGET, true);
    await world.advance(MINUTE_MS);
    const silent = await world.startPreflight('rehearsal');
    await world.advance(MINUTE_MS);
    return {
      preflight: take(world, 'preflight', done),
      'preflight-silent': take(world, 'preflight', silent),
    };
  } finally {
    world.dispose();
  }
}

/** A machine of a replication group, in the cycle in which it waits for the common instant. */
async function recordCommonPoint(): Promise<Record<string, Recording>> {
  const world = await World.create();
  try {
    const { id } = await world.start({
      cycleIntervalSeconds: 60,
      applicationConsistentMinutes: 60,
      replicationGroupId: 'pr-1-shop',
    });
    await world.until(() => world.item.recoveryPoints?.at(-1)?.groupPointId !== undefined);
    await world.settle();
    return { 'replication-common': take(world, 'replication', partInstanceId(id, 'replication')) };
  } finally {
    world.dispose();
  }
}

function take(world: World, orchestration: OrchestrationName, instanceId: string): Recording {
  const { input, historyEvents = [] } = world.host.status(instanceId);
  return { orchestration, instanceId, input, history: historyEvents };
}
