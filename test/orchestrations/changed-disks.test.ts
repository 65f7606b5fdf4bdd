import { afterEach, describe, expect, it } from '@jest/globals';
import type { AzureVm } from '../support/world/azure-vm.ts';
import { must } from '../support/must.ts';
import { MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

afterEach(() => {
  world.dispose();
});

/** Replicates, with three points at home, and waits for somebody to fail over. */
async function replicating(): Promise<void> {
  world = await World.create();
  await world.start({ cycleIntervalSeconds: 60 });
  await world.until(() => world.job().cycles.length === 3);
  await world.settle();
}

type Disks = AzureVm['disks'];

const RESTORED = (disks: Disks): Disks =>
  disks.map((disk) => ({ ...disk, diskName: `${disk.diskName}-restored` }));

const ONE_MORE = (disks: Disks): Disks => [
  ...disks,
  { id: 'lun-1', isOsDisk: false, diskName: 'web-late', sizeBytes: 1024 ** 3 },
];

const ONE_LESS = (disks: Disks): Disks => disks.slice(0, 1);

function change(how: (disks: Disks) => Disks): Disks {
  const before = world.vm.disks;
  world.vm.disks = how(before);
  return before;
}

const isLossNoted = (): boolean => world.job().sourceLoss !== undefined;

describe.each([
  ['are replaced', RESTORED],
  ['are no longer all', ONE_MORE],
])('a machine whose disks %s in Azure while it replicates', (_how, how) => {
  it('copies nothing, says so, and fails over to no point', async () => {
    await replicating();
    change(how);
    await world.until(isLossNoted);
    await world.advance(10 * MINUTE_MS);
    expect(world.job()).toMatchObject({ state: 'waitingForOperator', phase: 'replicating' });
    expect(world.job().cycles).toHaveLength(3);
    expect((await world.view()).health).toMatchObject([
      { code: 'FB-SRC-008', severity: 'critical' },
    ]);
    const { health, healthErrors } = await world.viewItem();
    expect(health).toBe('Critical');
    expect(healthErrors[0]).toMatchObject({ code: 'FB-SRC-008' });
    expect(healthErrors[0]?.recommendedAction).toContain('Detach and delete nothing');
    const refusal = { code: 'FB-SRC-008' };
    await expect(world.ask('failover', 'latest')).rejects.toMatchObject(refusal);
    await expect(world.ask('failover', 'latestProcessed')).rejects.toMatchObject(refusal);
    const oldest = must(world.item.recoveryPoints?.[0], 'a sealed point').pointId;
    await expect(world.ask('failover', oldest)).rejects.toMatchObject(refusal);
    expect(world.vm.powerActions).toEqual([]);
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });

  it('goes on by itself once it has its disks again', async () => {
    await replicating();
    const before = change(how);
    await world.until(isLossNoted);
    change(() => before);
    await world.until(() => world.job().cycles.length === 4);
    await world.settle();
    expect((await world.view()).health).toEqual([]);
    expect(world.job().history.at(-1)?.message).toContain('those that come home');
    await world.ask('failover', 'latest');
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ dataLossSeconds: 0 });
  });

  it('is not shut down where it happens between the request and the shutdown', async () => {
    await replicating();
    world.agents.behaviours.plan('replicateDisk', { afterMs: 30 * MINUTE_MS }, 2);
    await world.advance(2 * MINUTE_MS);
    await world.ask('failover', 'latestProcessed');
    change(how);
    await world.until(() => world.job().heldBack !== undefined);
    expect(world.job().heldBack?.error.message).toContain('FB-SRC-008');
    expect(world.vm.powerActions).toEqual([]);
    await world.until(isLossNoted);
  });

  it('goes back to Azure where it happens behind the shutdown', async () => {
    await replicating();
    await world.ask('failover', 'latest');
    await world.untilPhase('shuttingDownSource');
    change(how);
    world.invariants.isAzureLost = true;
    expect(await world.untilEnd()).toMatchObject({
      phase: 'failedOver',
      error: { code: 'FB-AZ-009' },
    });
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
    expect(world.site.boots).toEqual([]);
  });
});

describe('a machine whose disks are replaced before its first copy', () => {
  it('is not copied at all', async () => {
    world = await World.create();
    await world.start({});
    await world.untilPhase('preparing');
    await world.until(() => world.faults.count('vms.describe') > 0);
    change(RESTORED);
    const job = await world.untilEnd();
    expect(job.state).toBe('failed');
    expect(world.snapshots.taken).toEqual([]);
  });
});

describe('a cancel of a machine whose disks were replaced', () => {
  it('throws nothing away: what was copied is of disks that may be nowhere else', async () => {
    await replicating();
    change(RESTORED);
    await world.until(isLossNoted);
    world.invariants.isAzureLost = true;
    const { names } = world.snapshots;
    await world.ask('cancel');
    expect(await world.untilEnd()).toMatchObject({ state: 'cancelled', phase: 'failedOver' });
    expect(world.snapshots.names).toEqual(names);
    expect(JSON.stringify(world.job().report.undo)).toContain('may be the last copies');
    expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  });
});

describe('a machine that only loses a disk', () => {
  it('can come home at a point that is sealed, shut down in Azure before, but not at latest', async () => {
    await replicating();
    change(ONE_LESS);
    await world.until(isLossNoted);
    expect((await world.view()).health).toMatchObject([{ code: 'FB-SRC-001' }]);
    await expect(world.ask('failover', 'latest')).rejects.toMatchObject({ code: 'FB-SRC-003' });
    await world.ask('failover', 'latestProcessed');
    await world.untilWaiting('commitPending');
    expect(world.job().report).toMatchObject({ isFinalDeltaSent: false });
    expect(world.machines).toEqual({ azure: 'stopped', home: 'on' });
  });

  it('is put back to its gate before the shutdown where latest was asked for', async () => {
    await replicating();
    world.agents.behaviours.plan('replicateDisk', { afterMs: 30 * MINUTE_MS }, 2);
    await world.advance(2 * MINUTE_MS);
    await world.ask('failover', 'latest');
    change(ONE_LESS);
    await world.until(() => world.job().heldBack !== undefined);
    expect(world.job().heldBack?.error.message).toContain('FB-SRC-003');
    expect(world.vm.powerActions).toEqual([]);
  });
});
