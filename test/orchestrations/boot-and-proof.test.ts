import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandName } from '../../shared/contracts/commands.ts';
import type { ErrorCode } from '../../shared/errors/catalogue.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { must } from '../support/must.ts';
import { HOUR_MS, LASTING_FAULT, MINUTE_MS } from '../support/world/fixtures.ts';
import { World } from '../support/world/world.ts';

let world: World;

beforeEach(async () => {
  world = await World.create();
});

afterEach(() => {
  world.dispose();
});

async function expectRolledBack(code: ErrorCode): Promise<void> {
  const job = await world.untilEnd();
  expect(job).toMatchObject({ state: 'failed', phase: 'failedOver', error: { code } });
  expect(world.machines).toEqual({ azure: 'running', home: 'off' });
  expect(world.vm.deletions).toBe(0);
  expect(world.snapshots.names).toEqual([]);
  expect(world.site.replications.size).toBe(0);
  expect(world.item).toMatchObject({ phase: 'failedOver', activeJobId: null, base: {} });
}

describe('a boot that fails', () => {
  it('is rolled back: the machine at home is off before the Azure VM is started again', async () => {
    const noSignOfLife = new FailbackError('FB-SITE-005', {
      vmName: 'web',
      seconds: 120,
      console: 'panic',
    });
    world.agents.behaviours.plan('verifyBoot', { error: noSignOfLife });
    await world.startAutomatic();
    await expectRolledBack('FB-SITE-005');
    expect(world.site.boots).toEqual(['web']);
    expect(world.vm.powerActions).toEqual(['powerOff', 'start']);
    expect(world.job().report.undo?.map(({ step }) => step)).toEqual([
      'stop the on-premises VM',
      'start the Azure VM',
      'discard what was staged',
      'close the disks',
      'restore the on-premises VM',
      'remove the snapshots in Azure',
      'retire the process server',
    ]);
  });

  it('goes through when it is tried again after the cause is gone', async () => {
    const slow = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 120, console: '' });
    world.agents.behaviours.plan('verifyBoot', { error: slow }, 1);
    await world.startAutomatic();
    await expectRolledBack('FB-SITE-005');
    await world.advance(MINUTE_MS);
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
  });

  it('is rolled back also when the VM was started but the agent never said so', async () => {
    world.agents.behaviours.plan('startVm', { answer: 'neverButDone' });
    await world.startAutomatic();
    await expectRolledBack('FB-ORC-003');
    expect(world.site.boots).toEqual(['web']);
  });

  it('is rolled back when the start hangs and comes to pass after it was given up', async () => {
    world.agents.behaviours.plan('startVm', { afterMs: 40 * MINUTE_MS });
    await world.startAutomatic();
    await expectRolledBack('FB-ORC-003');
    expect(world.site.boots).toEqual(['web']);
  });

  it('leaves the Azure VM off when nobody can say whether the machine at home runs', async () => {
    world.agents.behaviours.plan('startVm', { afterMs: 80 * MINUTE_MS });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'failed', error: { code: 'FB-ORC-011' } });
    expect(world.site.boots).toEqual(['web']);
    await world.advance(HOUR_MS);
    expect(world.machines.azure).toBe('stopped');
    expect(world.vm.powerActions).toEqual(['powerOff']);
    world.agents.behaviours.heal('startVm');
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
  });

  it.each<[CommandName, ErrorCode]>([
    ['closeTarget', 'FB-JRN-001'],
    ['attachDisks', 'FB-SITE-002'],
    ['startVm', 'FB-SITE-003'],
  ])('is rolled back when %s fails with %s', async (name, code) => {
    const values = { vmName: 'web', replicationId: 'web', command: name, reason: 'injected' };
    world.agents.behaviours.plan(name, { error: new FailbackError(code, values) }, 1);
    await world.startAutomatic();
    await expectRolledBack(code);
    expect(world.site.boots).toEqual([]);
  });
});

describe('fix-ups of the guest', () => {
  it('that fail are warnings in the report, and the machine is home all the same', async () => {
    const values = { command: 'fixGuest', reason: 'the guest is deaf' };
    world.agents.behaviours.plan('fixGuest', { error: new FailbackError('FB-SITE-900', values) });
    await world.startAutomatic();
    const job = await world.untilEnd();
    expect(job).toMatchObject({ state: 'succeeded', phase: 'protected', error: null });
    expect(world.machines).toEqual({ azure: 'absent', home: 'on' });
    expect(job.report.fixups).toMatchObject([{ name: 'guest', outcome: 'failed' }]);
    expect(job.report.warnings).toMatchObject([{ code: 'FB-SITE-007', values: { vmName: 'web' } }]);
    expect(job.history.map(({ message }) => message).join('\n')).toContain(
      'warnings: 1; the first: FB-SITE-007',
    );
  });

  it('are asked for before the boot and again once the guest runs, whose word counts', async () => {
    await world.startAutomatic();
    const { report } = await world.untilEnd();
    expect(world.agents.timesDone('fixGuest')).toBe(2);
    expect(report.fixups).toMatchObject([
      { name: 'drivers', outcome: 'done' },
      { name: 'VMware Tools', outcome: 'done' },
    ]);
    expect(report.warnings).toEqual([]);
  });
});

describe('an original VM that is to leave the inventory', () => {
  const input = (): unknown =>
    world.commands.all().find(({ name }) => name === 'prepareTarget')?.input;

  it('makes room for a new one, without a merge of its snapshots', async () => {
    const originalVm = 'unregister';
    const original = world.site.findByName('web');
    const wishes = { originalVm, removeSnapshots: true } as const;
    await world.start({ autoFailover: true, autoCommit: true, ...wishes });
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(input()).toMatchObject({ originalVm });
    expect(world.agents.timesDone('removeSnapshots')).toBe(0);
    expect(world.item?.onPremisesVmId).not.toBe(original?.vmId);
    expect([...world.site.leftOut.values()]).toEqual([original]);
  });

  it('is back after a rollback, and is the target of the next failback', async () => {
    const original = world.site.findByName('web');
    const broken = new FailbackError('FB-SITE-005', { vmName: 'web', seconds: 120, console: '' });
    world.agents.behaviours.plan('verifyBoot', { error: broken }, 1);
    await world.start({ autoFailover: true, autoCommit: true, originalVm: 'unregister' });
    await expectRolledBack('FB-SITE-005');
    expect(world.site.findByName('web')).toEqual(original);
    // The one that was made is gone, and its id with it: by that the original one would not be found.
    expect(world.item?.onPremisesVmId).toBeNull();
    await world.advance(MINUTE_MS);
    await world.startAutomatic();
    expect((await world.untilEnd()).state).toBe('succeeded');
    expect(world.item?.onPremisesVmId).toBe(original?.vmId);
  });
});

describe('disks that are not equal to the source', () => {
  it('are never booted; the failback is rolled back with FB-ORC-006', async () => {
    world.site.storageFault = LASTING_FAULT;
    await world.startAutomatic();
    await expectRolledBack('FB-ORC-006');
    expect(world.site.boots).toEqual([]);
    expect(world.agents.timesDone('attachDisks')).toBe(0);
    expect(world.job()).toMatchObject({ error: { values: { mismatches: 1, vmName: 'web' } } });
    expect(world.job().report.proof).toBeUndefined();
  });

  it('are never booted either when they cannot be compared', async () => {
    const noManifest = new FailbackError('FB-JRN-006', { pointId: 'p', diskId: 'os' });
    world.agents.behaviours.plan('verifyDisks', { error: noManifest });
    await world.startAutomatic();
    await expectRolledBack('FB-JRN-006');
    expect(world.site.boots).toEqual([]);
  });
});

describe('the watch over what must never happen', () => {
  it('bites when a machine is booted without proof', async () => {
    const blind = await World.create();
    const vm = must(blind.site.findByName('web'), 'the machine at home');
    blind.vm.powerActions.length = 0;
    const replication = { replicationId: 'web', vmId: vm.vmId, location: 'original' as const };
    const rest = { isOpen: true, staged: new Map(), sealed: null, isVerified: false };
    const points = { older: [], damaged: [], openedSizes: new Map(), grownFrom: new Map() };
    blind.site.powerOn(vm, { ...replication, ...rest, ...points });
    expect(() => blind.dispose()).toThrow(/before its disks were proved.*on at the same time/);
  });

  it('bites when the Azure VM is deleted early and when snapshots are left', async () => {
    const careless = await World.create();
    await careless.snapshots.take({
      resourceGroup: 'shop',
      itemId: 'web',
      vmName: 'web-azure',
      pointId: 'orphan',
      disks: [
        { id: 'os', diskName: 'web-os', kind: 'managedDisk' },
        { id: 'lun-0', diskName: 'web-data', kind: 'managedDisk' },
      ],
      consistency: 'crashConsistent',
      isOneInstantWanted: false,
    });
    await careless.vm.beginDelete();
    expect(() => careless.dispose()).toThrow(
      /deleted in the phase failedOver.*disks differ.*snapshots nobody owns: orphan-os/,
    );
  });
});
