import { describe, expect, it } from '@jest/globals';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { must } from '../../support/must.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { prepare, REPLICATION, useSite } from './site-fixture.ts';

const at = useSite();

/** The driver, dying in one call: before it does anything, or after it has done it. */
function dyingIn(call: keyof Hypervisor, when: 'before' | 'after'): Hypervisor {
  return new Proxy<Hypervisor>(at.site.hypervisor, {
    get: (driver, name) => {
      const value: unknown = Reflect.get(driver, name, driver);
      if (typeof value !== 'function') return value;
      return async (...parameters: unknown[]) => {
        if (name === call && when === 'before') throw new Error('died');
        const result: unknown = await Reflect.apply(value, driver, parameters);
        if (name === call) throw new Error('died');
        return result;
      };
    },
  });
}

/** The driver, writing down which master target and which datastore it is asked for. */
function noting(asked: unknown[]): Hypervisor {
  const notes: Partial<Record<keyof Hypervisor, number>> = {
    createVm: 3,
    attachToMasterTarget: 1,
    openImage: 2,
  };
  return new Proxy<Hypervisor>(at.site.hypervisor, {
    get: (driver, name) => {
      const value: unknown = Reflect.get(driver, name, driver);
      if (typeof value !== 'function') return value;
      return async (...parameters: unknown[]) => {
        const index = notes[name as keyof Hypervisor];
        if (index !== undefined) asked.push([name, parameters[index]]);
        return Reflect.apply(value, driver, parameters) as unknown;
      };
    },
  });
}

describe('a target with a master target of its own', () => {
  it('is made there, and every later step goes there too', async () => {
    const asked: unknown[] = [];
    const noted = at.withHypervisor(noting(asked));
    const place = { masterTarget: 'mt2', datastore: 'ds-2' };
    await runCommand(noted, 'prepareTarget', prepare(aVmShape(), place));
    const replicationId = REPLICATION;
    await runCommand(noted, 'attachDisks', { replicationId });
    await runCommand(noted, 'detachDisks', { replicationId });
    await runCommand(noted, 'openReverseSource', { replicationId, pointId: 'p1' });
    expect(asked).toEqual([
      ['createVm', place],
      ['attachToMasterTarget', 'mt2'],
      ['attachToMasterTarget', 'mt2'],
      ['openImage', 'mt2'],
    ]);
  });

  it('goes to another one when the next attempt names another', async () => {
    const asked: unknown[] = [];
    const noted = at.withHypervisor(noting(asked));
    const shape = aVmShape();
    await runCommand(noted, 'prepareTarget', prepare(shape, { masterTarget: 'mt1' }));
    await runCommand(noted, 'prepareTarget', prepare(shape, { masterTarget: 'mt2' }));
    await runCommand(noted, 'detachDisks', { replicationId: REPLICATION });
    expect(asked.slice(1)).toEqual([
      ['attachToMasterTarget', 'mt1'],
      ['attachToMasterTarget', 'mt2'],
      ['attachToMasterTarget', 'mt2'],
    ]);
  });
});

describe('a target that is prepared', () => {
  it('is the original VM where it still exists, stopped, with its disks given away', async () => {
    const shape = aVmShape();
    const vmId = await at.originalOf(shape, true);
    const prepared = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ vmId, location: 'original', wasRunning: true });
    expect(prepared.disks.map(({ diskId, isBlank }) => [diskId, isBlank])).toEqual([
      ['os', false],
      ['lun-0', false],
    ]);
    expect(await at.vmNamed(shape.name)).toMatchObject({
      powerState: 'off',
      disksAt: 'masterTarget',
    });
  });

  it('is a new VM with blank disks where there is none', async () => {
    const shape = aVmShape();
    const prepared = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ location: 'alternate', wasRunning: false });
    expect(prepared.disks.every(({ isBlank }) => isBlank)).toBe(true);
    expect(await at.vmNamed(shape.name)).toMatchObject({ vmId: prepared.vmId });
  });

  it('gets only the disks that the original lacks', async () => {
    const shape = aVmShape();
    await at.originalOf({ ...shape, disks: shape.disks.slice(0, 1) });
    const { disks } = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    expect(disks.map(({ diskId, isBlank }) => [diskId, isBlank])).toEqual([
      ['os', false],
      ['lun-0', true],
    ]);
  });

  it('begins a rehearsal with copies of the disks of the real VM, which it only reads', async () => {
    const shape = aVmShape();
    const vmId = await at.originalOf(shape);
    const [own] = await at.site.hypervisor.attachToMasterTarget(vmId);
    await at.site.write(must(own, 'its system disk').device, 512, Buffer.alloc(512, 'x'));
    await at.site.hypervisor.attachToVm(vmId);
    const input = prepare(shape, { replicationId: 'rehearsal-web-01', isRehearsal: true });
    const { disks } = await runCommand(at.handlers, 'prepareTarget', input);
    expect(disks.map(({ isBlank }) => isBlank)).toEqual([false, false]);
    const copy = must(disks[0], 'the copy of it').device;
    expect((await at.site.read(copy, 512, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    expect(await at.site.hypervisor.findVm({ vmId, name: '' })).toMatchObject({
      powerState: 'off',
      disksAt: 'vm',
    });
  });

  it('is another VM for a rehearsal; the real one goes on running', async () => {
    const shape = aVmShape();
    const vmId = await at.originalOf(shape, true);
    const before = await at.vmNamed(shape.name);
    const input = prepare(shape, { replicationId: 'rehearsal-web-01', isRehearsal: true });
    const prepared = await runCommand(at.handlers, 'prepareTarget', input);
    expect(prepared.vmId).not.toBe(vmId);
    expect(await at.site.isIsolated(prepared.vmId)).toBe(true);
    expect(await at.vmNamed(shape.name)).toEqual(before);
    const restore = { replicationId: 'rehearsal-web-01', startVm: true };
    expect(await runCommand(at.handlers, 'restoreTarget', restore)).toEqual({
      deletedVm: true,
      startedVm: false,
    });
    expect(await at.vmNamed(shape.name)).toEqual(before);
    expect(await at.vmNamed(`${shape.name}-rehearsal`)).toBeNull();
  });

  it('is the same when it is asked for again, after a restart too', async () => {
    const shape = aVmShape();
    await at.originalOf(shape, true);
    const first = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    expect(await runCommand(at.handlers, 'prepareTarget', prepare(shape))).toEqual(first);
    await at.restart();
    expect(await runCommand(at.handlers, 'prepareTarget', prepare(shape))).toEqual(first);
  });

  it.each([
    ['powerOff', 'before'],
    ['powerOff', 'after'],
    ['ensureDisks', 'before'],
    ['attachToMasterTarget', 'before'],
    ['attachToMasterTarget', 'after'],
  ] as const)('remembers that the VM ran when it dies in %s, %s the call', async (call, when) => {
    const shape = aVmShape();
    const vmId = await at.originalOf(shape, true);
    const dying = runCommand(
      at.withHypervisor(dyingIn(call, when)),
      'prepareTarget',
      prepare(shape),
    );
    await expect(dying).rejects.toThrow('died');
    const prepared = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ vmId, location: 'original', wasRunning: true });
  });

  it('never calls a disk blank that may have been written, whenever it dies', async () => {
    const shape = aVmShape();
    const dying = at.withHypervisor(dyingIn('ensureDisks', 'after'));
    await expect(runCommand(dying, 'prepareTarget', prepare(shape))).rejects.toThrow('died');
    const { disks } = await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    // What is not known to be blank is written with zeros too: slower, and right.
    expect(disks.map(({ isBlank }) => isBlank)).toEqual([false, false]);
  });
});

describe('a target that is given back', () => {
  it.each([
    ['that ran', true, true],
    ['that was off', false, false],
  ])('leaves the original VM %s as it was', async (_name, wasOn, startedVm) => {
    const shape = aVmShape();
    await at.originalOf(shape, wasOn);
    await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    const restore = { replicationId: REPLICATION, startVm: true };
    const first = await runCommand(at.handlers, 'restoreTarget', restore);
    expect(first).toEqual({ deletedVm: false, startedVm });
    expect(await at.vmNamed(shape.name)).toMatchObject({
      powerState: wasOn ? 'on' : 'off',
      disksAt: 'vm',
    });
  });

  it('does not start the original VM when that was not asked for', async () => {
    const shape = aVmShape();
    await at.originalOf(shape, true);
    await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    await runCommand(at.handlers, 'restoreTarget', { replicationId: REPLICATION, startVm: false });
    expect(await at.vmNamed(shape.name)).toMatchObject({ powerState: 'off' });
  });

  it('is deleted when it was made for the failback, also while it runs', async () => {
    const shape = aVmShape();
    await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    await runCommand(at.handlers, 'attachDisks', { replicationId: REPLICATION });
    await runCommand(at.handlers, 'startVm', { replicationId: REPLICATION });
    const restore = { replicationId: REPLICATION, startVm: false };
    expect(await runCommand(at.handlers, 'restoreTarget', restore)).toMatchObject({
      deletedVm: true,
    });
    expect(await at.vmNamed(shape.name)).toBeNull();
  });

  it.each([
    ['powerOff', 'after'],
    ['attachToVm', 'before'],
    ['attachToVm', 'after'],
    ['powerOn', 'before'],
  ] as const)('is given back by the repetition when it dies in %s, %s', async (call, when) => {
    const shape = aVmShape();
    await at.originalOf(shape, true);
    await runCommand(at.handlers, 'prepareTarget', prepare(shape));
    const restore = { replicationId: REPLICATION, startVm: true };
    const dying = runCommand(at.withHypervisor(dyingIn(call, when)), 'restoreTarget', restore);
    await expect(dying).rejects.toThrow('died');
    await runCommand(at.handlers, 'restoreTarget', restore);
    expect(await at.vmNamed(shape.name)).toMatchObject({ powerState: 'on', disksAt: 'vm' });
  });

  it('is nothing to do when the site does not know the replication, or its VM is gone', async () => {
    const nothing = { deletedVm: false, startedVm: false };
    const restore = { replicationId: REPLICATION, startVm: true };
    expect(await runCommand(at.handlers, 'restoreTarget', restore)).toEqual(nothing);
    const { vmId } = await runCommand(at.handlers, 'prepareTarget', prepare(aVmShape()));
    await at.site.hypervisor.deleteVm(vmId);
    expect(await runCommand(at.handlers, 'restoreTarget', restore)).toEqual(nothing);
    expect(at.database.findReplication(REPLICATION)).toBeNull();
  });
});
