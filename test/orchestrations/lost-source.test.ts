import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { must } from '../support/must.ts';
import { busy } from '../support/world/faults.ts';
import { HOUR_MS, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

afterEach(() => {
  world.dispose();
});

/** Replicates, with three points at home, and waits for somebody to fail over. */
async function replicating(options: { readonly hasOriginalVm?: boolean } = {}): Promise<void> {
  world = await World.create(options);
  await world.start({ cycleIntervalSeconds: 60 });
  await world.until(() => world.job().cycles.length === 3);
  await world.settle();
}

/** Azure Resource Manager does not answer any more, whatever it is asked. */
function cutAzureOff(): void {
  world.invariants.isAzureLost = true;
  for (const call of IN_AZURE) world.faults.fail(call, Number.POSITIVE_INFINITY, busy());
}

function bringAzureBack(): void {
  for (const call of IN_AZURE) world.faults.heal(call);
}

const IN_AZURE = [
  'snapshots.take',
  'snapshots.prune',
  'vms.powerState',
  'vms.gatherFacts',
  'vms.describe',
  'vms.beginPowerChange',
  'vms.beginDelete',
  'processServers.remove',
  'replicas.beginSeed',
];

const lossNoted = (kind: 'gone' | 'unreachable') => (): boolean =>
  world.job().sourceLoss?.kind === kind;

async function untilLost(kind: 'gone' | 'unreachable'): Promise<void> {
  await world.until(lossNoted(kind));
  await world.settle();
}

const points = (): readonly string[] =>
  (world.item.recoveryPoints ?? []).map(({ pointId }) => pointId);

const sealedAtHome = (): string | undefined => world.site.replications.get('web')?.sealed?.pointId;

describe('a machine that is deleted in Azure while it replicates', () => {
  beforeEach(async () => {
    await replicating();
    world.vm.vanish();
    await untilLost('gone');
  });

  it('ends nothing: the job waits, says what happened, and tries the next cycle', async () => {
    const before = points();
    await world.advance(10 * MINUTE_MS);
    expect(points()).toEqual(before);
    expect(world.job()).toMatchObject({ state: 'waitingForOperator', phase: 'replicating' });
    const { health, allowedActions } = await world.view();
    expect(health).toMatchObject([{ code: 'FB-SRC-001', severity: 'critical' }]);
    expect(allowedActions).toEqual(['failover', 'cancel']);
    const item = await world.viewItem();
    expect(item.health).toBe('Critical');
    expect(item.healthErrors[0]).toMatchObject({ code: 'FB-SRC-001' });
    expect(world.faults.count('snapshots.take')).toBeGreaterThan(8);
    const told = world.events.all().filter(({ kind }) => kind === 'sourceLost');
    expect(told).toMatchObject([{ code: 'FB-SRC-001', itemId: 'web' }]);
    expect(world.job().history.filter(({ message }) => /FB-SRC/.test(message))).toHaveLength(1);
  });

  it('comes home at its last sealed point, and is protected from the snapshots that are left', async () => {
    const newest = must(points().at(-1), 'a sealed point');
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    const { report } = world.job();
    expect(report).toMatchObject({
      recoveryPointId: newest,
      isFinalDeltaSent: false,
      sourceAtFailover: 'gone',
    });
    expect(report.dataLossSeconds).toBeGreaterThan(60);
    expect(world.vm.powerActions).toEqual([]);
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded', phase: 'protected' });
    expect(world.replicas.seeds).toEqual([
      world.snapshots.point(newest).content,
      world.snapshots.point(newest).content,
    ]);
    expect(world.vm.deletions).toBe(0);
  });

  it('comes home at an older point by its id, too', async () => {
    const oldest = must(points()[0], 'the first point');
    await world.ask('failover', oldest);
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ recoveryPointId: oldest, isFinalDeltaSent: false });
    expect(sealedAtHome()).toBe(oldest);
  });

  it('is refused latest, which nobody can send any more, and told what to choose', async () => {
    await expect(world.ask('failover')).rejects.toMatchObject({ code: 'FB-SRC-003' });
    await expect(world.ask('failover', 'latest')).rejects.toThrow('Choose latestProcessed');
    expect(world.job().intents).toEqual({});
  });

  it('keeps all that is left of it when somebody cancels', async () => {
    const before = sealedAtHome();
    const { names } = world.snapshots;
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.snapshots.names).toEqual(names);
    expect(sealedAtHome()).toBe(before);
    expect(world.site.findByName('web')?.disksAt).toBe('vm');
    const undo = JSON.stringify(world.job().report.undo);
    expect(undo).toContain('may be the last copies');
    expect(undo).toContain('the disks on-premises hold the recovery point of');
    expect(world.job().history.at(-1)?.message).toContain('The Azure VM is gone');
  });

  it('can be committed without its snapshots no further than the code says, and stays home', async () => {
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    world.snapshots.vanish();
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({
      state: 'failed',
      phase: 'committing',
      error: { code: 'FB-SRC-005' },
    });
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
  });

  it('that does not boot at home stays off, and is kept', async () => {
    const values = { vmName: 'web', seconds: 120, console: '(nothing)' };
    world.agents.behaviours.plan('verifyBoot', { error: new FailbackError('FB-SITE-005', values) });
    await world.ask('failover', 'latestProcessed');
    expect(await world.untilEnd()).toMatchObject({ state: 'failed' });
    expect(world.vm.powerActions).toEqual([]);
    expect(world.item).toMatchObject({ phase: 'failedOver' });
    expect(sealedAtHome()).toBeDefined();
  });
});

describe('a machine of which Azure loses the VM between the request and the shutdown', () => {
  it('is put back to its gate instead of being rolled back', async () => {
    await replicating();
    world.agents.behaviours.plan('replicateDisk', { afterMs: 30 * MINUTE_MS }, 2);
    await world.advance(2 * MINUTE_MS);
    await world.ask('failover', 'latest');
    world.vm.vanish();
    await world.until(() => world.job().heldBack !== undefined);
    expect(world.job().heldBack?.error.message).toContain('FB-SRC-003');
    await untilLost('gone');
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
  });
});

describe('a new machine made at home, of which Azure loses the original', () => {
  it('is not deleted by a cancel', async () => {
    await replicating({ hasOriginalVm: false });
    world.vm.vanish();
    await untilLost('gone');
    await world.ask('cancel');
    await world.untilEnd();
    expect(world.site.findByName('web')).not.toBeNull();
    expect(world.agents.timesDone('restoreTarget')).toBe(0);
  });
});

describe('a machine whose Azure does not answer', () => {
  beforeEach(async () => {
    await replicating();
    cutAzureOff();
    await untilLost('unreachable');
  });

  it('goes on replicating with what it had as soon as Azure is back', async () => {
    expect((await world.view()).health).toMatchObject([{ code: 'FB-SRC-002' }]);
    bringAzureBack();
    await world.until(() => world.job().cycles.length === 4);
    await world.settle();
    expect(world.job().cycles.at(-1)?.reasons[0]).toContain('is trusted');
    expect(world.job()).not.toHaveProperty('sourceLoss');
    expect((await world.view()).health).toEqual([]);
    await world.ask('failover');
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ dataLossSeconds: 0 });
    world.invariants.isAzureLost = false;
  });

  it('does not boot at home before somebody who may commit says that it may', async () => {
    const refusal = world.ask('failover', 'latestProcessed');
    await expect(refusal).rejects.toMatchObject({ code: 'FB-SRC-004' });
    await expect(world.ask('failover')).rejects.toMatchObject({ code: 'FB-SRC-003' });
    expect(world.site.boots).toEqual([]);
  });

  it('boots with that consent, which is written down, and commits only once Azure answers', async () => {
    // What the person has made sure of.
    await world.vm.beginPowerChange('shop', 'web-azure', 'powerOff');
    await world.ask('failover', 'latestProcessed', { acceptUnreachableSource: true });
    await world.untilWaiting('commitPending');
    expect(world.job()).toMatchObject({
      unreachableAccepted: { by: 'operator' },
      report: { sourceAtFailover: 'unreachable', isFinalDeltaSent: false },
    });
    const asked = world.events.all().filter(({ kind }) => kind === 'jobAsked');
    expect(asked.some(({ message }) => message.includes('acceptUnreachableSource'))).toBe(true);
    expect(world.vm.powerActions).toEqual(['powerOff']);
    await world.ask('commit');
    await world.until(() => world.job().gate === 'commit-gate-1');
    await world.settle();
    expect(world.job()).toMatchObject({ state: 'waitingForOperator', phase: 'commitPending' });
    expect(world.job().history.at(-1)?.message).toContain('FB-SRC-007');
    expect(world.machines.home).toBe('on');
    bringAzureBack();
    await world.ask('commit');
    expect(await world.untilEnd()).toMatchObject({ state: 'succeeded' });
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    world.invariants.isAzureLost = false;
  });

  it('keeps everything when somebody cancels', async () => {
    const { names } = world.snapshots;
    const before = sealedAtHome();
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.snapshots.names).toEqual(names);
    expect(sealedAtHome()).toBe(before);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('a cycle whose process server fell silent', () => {
  it('does not keep a failover to the newest sealed point waiting', async () => {
    await replicating();
    const newest = must(points().at(-1), 'a sealed point');
    world.agents.behaviours.plan('replicateDisk', { answer: 'never' });
    await world.advance(2 * MINUTE_MS);
    world.setAgentDown('ps-failback-ps-shop', true);
    await world.advance(2 * MINUTE_MS);
    const askedAtMs = world.timers.now().getTime();
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    expect(world.timers.now().getTime() - askedAtMs).toBeLessThan(HOUR_MS);
    expect(world.job().report.recoveryPointId).toBe(newest);
    const ends = world.commands.all().map(({ result }) => JSON.stringify(result));
    expect(ends.filter((end) => end.includes('FB-SRC-006'))).toHaveLength(2);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
  });
});

describe('a snapshot that somebody deletes while it is read', () => {
  const gone = new FailbackError('FB-AZ-004', { snapshotName: 'fb-1-p0003-os' });

  it('costs one cycle: the next one takes another', async () => {
    await replicating();
    world.agents.behaviours.plan('replicateDisk', { error: gone }, 1);
    await world.until(() => world.job().cycles.length === 5);
    await world.settle();
    expect(world.job()).toMatchObject({ phase: 'replicating', state: 'waitingForOperator' });
    expect(world.job().history.some(({ message }) => message.includes('FB-SRC-001'))).toBe(true);
    expect((await world.view()).health).toEqual([]);
  });

  it('is taken again in the downtime instead of going back to Azure', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilPhase('shuttingDownSource');
    world.agents.behaviours.plan('replicateDisk', { error: gone }, 1);
    await world.untilWaiting('commitPending');
    const { report, history } = world.job();
    expect(report).toMatchObject({ dataLossSeconds: 0, isFinalDeltaSent: true });
    expect(history.filter(({ message }) => message.includes('from new snapshots'))).toHaveLength(1);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
  });

  it('leads back to Azure where every one of them is deleted', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilPhase('shuttingDownSource');
    world.agents.behaviours.plan('replicateDisk', { error: gone });
    expect(await world.untilEnd()).toMatchObject({
      phase: 'failedOver',
      error: { code: 'FB-AZ-004' },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('Azure that does not answer for half an hour behind the shutdown', () => {
  it('is waited for: the way back needs it as well', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilPhase('shuttingDownSource');
    // All attempts of one activity and some of the next.
    world.faults.fail('snapshots.take', 15, busy());
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ dataLossSeconds: 0, isFinalDeltaSent: true });
    expect(world.job().history.some(({ message }) => message.includes('FB-ORC-001'))).toBe(true);
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
  });

  it('does not keep a point waiting that is sealed already', async () => {
    await replicating();
    const oldest = must(points()[0], 'the first point');
    await world.ask('failover', oldest);
    await world.untilPhase('shuttingDownSource');
    world.faults.fail('snapshots.take', 15, busy());
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ recoveryPointId: oldest, isFinalDeltaSent: false });
    world.faults.heal('snapshots.take');
  });
});
