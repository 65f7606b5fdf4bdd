import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandInput, CommandName, VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';
import { aCommandContext, runCommand } from '../../support/data-plane/command-context.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { LocalFixture } from '../hypervisor/local-fixture.ts';

const self = { address: 'cs1.site.example', backups: null };
const LATER = '2999-01-01T00:00:00.000Z';
let site: LocalFixture;
let folder: string;
let database: SiteDatabase;
let authority: CertificateAuthority;
let handlers: CommandHandlers;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'site-commands-'));
  site = new LocalFixture();
  database = new SiteDatabase(folder);
  authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
  handlers = withHypervisor(site.hypervisor);
});
afterEach(async () => {
  database.close();
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

function withHypervisor(hypervisor: Hypervisor): CommandHandlers {
  return createConfigurationServerHandlers({ hypervisor, database, authority, self });
}

/** The driver, dying in one call: before it does anything, or after it has done it. */
function dyingIn(call: keyof Hypervisor, when: 'before' | 'after'): Hypervisor {
  return new Proxy<Hypervisor>(site.hypervisor, {
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

const REPLICATION = 'web-01';
const prepare = (
  vm: VmShape,
  change: Partial<CommandInput<'prepareTarget'>> = {},
): CommandInput<'prepareTarget'> => ({
  replicationId: REPLICATION,
  vm,
  isRehearsal: false,
  ...change,
});

async function originalOf(shape: VmShape, isOn = false): Promise<string> {
  const disks = shape.disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
  const vmId = await site.addVm({ name: shape.name, disks });
  if (isOn) await site.hypervisor.powerOn(vmId);
  return vmId;
}

const vmNamed = async (name: string): ReturnType<Hypervisor['findVm']> =>
  site.hypervisor.findVm({ name });

describe('facts about the site', () => {
  it('tell of the original VM when there is one, and change nothing', async () => {
    const shape = aVmShape();
    const vmId = await originalOf(shape, true);
    const before = await vmNamed(shape.name);
    const facts = await runCommand(handlers, 'describeSite', { vmName: shape.name });
    expect(facts).toMatchObject({
      hypervisor: 'local',
      isConnected: true,
      originalVm: { vmId, powerState: 'on', snapshotCount: 0, diskCount: 2 },
    });
    expect(await vmNamed(shape.name)).toEqual(before);
    const none = await runCommand(handlers, 'describeSite', { vmName: 'nobody' });
    expect(none.originalVm).toBeNull();
  });
});

/** The driver, writing down which master target and which datastore it is asked for. */
function noting(asked: unknown[]): Hypervisor {
  const notes: Partial<Record<keyof Hypervisor, number>> = {
    createVm: 3,
    attachToMasterTarget: 1,
    openImage: 2,
  };
  return new Proxy<Hypervisor>(site.hypervisor, {
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
    const noted = withHypervisor(noting(asked));
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
    const noted = withHypervisor(noting(asked));
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
    const vmId = await originalOf(shape, true);
    const prepared = await runCommand(handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ vmId, location: 'original', wasRunning: true });
    expect(prepared.disks.map(({ diskId, isBlank }) => [diskId, isBlank])).toEqual([
      ['os', false],
      ['lun-0', false],
    ]);
    expect(await vmNamed(shape.name)).toMatchObject({
      powerState: 'off',
      disksAt: 'masterTarget',
    });
  });

  it('is a new VM with blank disks where there is none', async () => {
    const shape = aVmShape();
    const prepared = await runCommand(handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ location: 'alternate', wasRunning: false });
    expect(prepared.disks.every(({ isBlank }) => isBlank)).toBe(true);
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: prepared.vmId });
  });

  it('gets only the disks that the original lacks', async () => {
    const shape = aVmShape();
    await originalOf({ ...shape, disks: shape.disks.slice(0, 1) });
    const { disks } = await runCommand(handlers, 'prepareTarget', prepare(shape));
    expect(disks.map(({ diskId, isBlank }) => [diskId, isBlank])).toEqual([
      ['os', false],
      ['lun-0', true],
    ]);
  });

  it('begins a rehearsal with copies of the disks of the real VM, which it only reads', async () => {
    const shape = aVmShape();
    const vmId = await originalOf(shape);
    const [own] = await site.hypervisor.attachToMasterTarget(vmId);
    await site.write(own!.device, 512, Buffer.alloc(512, 'x'));
    await site.hypervisor.attachToVm(vmId);
    const input = prepare(shape, { replicationId: 'rehearsal-web-01', isRehearsal: true });
    const { disks } = await runCommand(handlers, 'prepareTarget', input);
    expect(disks.map(({ isBlank }) => isBlank)).toEqual([false, false]);
    expect((await site.read(disks[0]!.device, 512, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    expect(await site.hypervisor.findVm({ vmId, name: '' })).toMatchObject({
      powerState: 'off',
      disksAt: 'vm',
    });
  });

  it('is another VM for a rehearsal; the real one goes on running', async () => {
    const shape = aVmShape();
    const vmId = await originalOf(shape, true);
    const before = await vmNamed(shape.name);
    const input = prepare(shape, { replicationId: 'rehearsal-web-01', isRehearsal: true });
    const prepared = await runCommand(handlers, 'prepareTarget', input);
    expect(prepared.vmId).not.toBe(vmId);
    expect(await site.isIsolated(prepared.vmId)).toBe(true);
    expect(await vmNamed(shape.name)).toEqual(before);
    const restore = { replicationId: 'rehearsal-web-01', startVm: true };
    expect(await runCommand(handlers, 'restoreTarget', restore)).toEqual({
      deletedVm: true,
      startedVm: false,
    });
    expect(await vmNamed(shape.name)).toEqual(before);
    expect(await vmNamed(`${shape.name}-rehearsal`)).toBeNull();
  });

  it('is the same when it is asked for again, after a restart too', async () => {
    const shape = aVmShape();
    await originalOf(shape, true);
    const first = await runCommand(handlers, 'prepareTarget', prepare(shape));
    expect(await runCommand(handlers, 'prepareTarget', prepare(shape))).toEqual(first);
    database.close();
    database = new SiteDatabase(folder);
    await site.restart();
    handlers = withHypervisor(site.hypervisor);
    expect(await runCommand(handlers, 'prepareTarget', prepare(shape))).toEqual(first);
  });

  it.each([
    ['powerOff', 'before'],
    ['powerOff', 'after'],
    ['ensureDisks', 'before'],
    ['attachToMasterTarget', 'before'],
    ['attachToMasterTarget', 'after'],
  ] as const)('remembers that the VM ran when it dies in %s, %s the call', async (call, when) => {
    const shape = aVmShape();
    const vmId = await originalOf(shape, true);
    const dying = runCommand(withHypervisor(dyingIn(call, when)), 'prepareTarget', prepare(shape));
    await expect(dying).rejects.toThrow('died');
    const prepared = await runCommand(handlers, 'prepareTarget', prepare(shape));
    expect(prepared).toMatchObject({ vmId, location: 'original', wasRunning: true });
  });

  it('never calls a disk blank that may have been written, whenever it dies', async () => {
    const shape = aVmShape();
    const dying = withHypervisor(dyingIn('ensureDisks', 'after'));
    await expect(runCommand(dying, 'prepareTarget', prepare(shape))).rejects.toThrow('died');
    const { disks } = await runCommand(handlers, 'prepareTarget', prepare(shape));
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
    await originalOf(shape, wasOn);
    await runCommand(handlers, 'prepareTarget', prepare(shape));
    const restore = { replicationId: REPLICATION, startVm: true };
    const first = await runCommand(handlers, 'restoreTarget', restore);
    expect(first).toEqual({ deletedVm: false, startedVm });
    expect(await vmNamed(shape.name)).toMatchObject({
      powerState: wasOn ? 'on' : 'off',
      disksAt: 'vm',
    });
  });

  it('does not start the original VM when that was not asked for', async () => {
    const shape = aVmShape();
    await originalOf(shape, true);
    await runCommand(handlers, 'prepareTarget', prepare(shape));
    await runCommand(handlers, 'restoreTarget', { replicationId: REPLICATION, startVm: false });
    expect(await vmNamed(shape.name)).toMatchObject({ powerState: 'off' });
  });

  it('is deleted when it was made for the failback, also while it runs', async () => {
    const shape = aVmShape();
    await runCommand(handlers, 'prepareTarget', prepare(shape));
    await runCommand(handlers, 'attachDisks', { replicationId: REPLICATION });
    await runCommand(handlers, 'startVm', { replicationId: REPLICATION });
    const restore = { replicationId: REPLICATION, startVm: false };
    expect(await runCommand(handlers, 'restoreTarget', restore)).toMatchObject({ deletedVm: true });
    expect(await vmNamed(shape.name)).toBeNull();
  });

  it.each([
    ['powerOff', 'after'],
    ['attachToVm', 'before'],
    ['attachToVm', 'after'],
    ['powerOn', 'before'],
  ] as const)('is given back by the repetition when it dies in %s, %s', async (call, when) => {
    const shape = aVmShape();
    await originalOf(shape, true);
    await runCommand(handlers, 'prepareTarget', prepare(shape));
    const restore = { replicationId: REPLICATION, startVm: true };
    const dying = runCommand(withHypervisor(dyingIn(call, when)), 'restoreTarget', restore);
    await expect(dying).rejects.toThrow('died');
    await runCommand(handlers, 'restoreTarget', restore);
    expect(await vmNamed(shape.name)).toMatchObject({ powerState: 'on', disksAt: 'vm' });
  });

  it('is nothing to do when the site does not know the replication, or its VM is gone', async () => {
    const nothing = { deletedVm: false, startedVm: false };
    const restore = { replicationId: REPLICATION, startVm: true };
    expect(await runCommand(handlers, 'restoreTarget', restore)).toEqual(nothing);
    const { vmId } = await runCommand(handlers, 'prepareTarget', prepare(aVmShape()));
    await site.hypervisor.deleteVm(vmId);
    expect(await runCommand(handlers, 'restoreTarget', restore)).toEqual(nothing);
    expect(database.findReplication(REPLICATION)).toBeNull();
  });
});

describe('a machine that comes home', () => {
  async function home(evidence: string | null): Promise<VmShape> {
    const shape = aVmShape();
    const { disks } = await runCommand(handlers, 'prepareTarget', prepare(shape));
    if (evidence !== null) await site.installGuest(disks[0]!.device, evidence);
    return shape;
  }
  const id = { replicationId: REPLICATION };

  it('boots once it has its disks, and says what was seen', async () => {
    const shape = await home('MARK-7');
    expect(await runCommand(handlers, 'attachDisks', id)).toMatchObject({ diskCount: 2 });
    const { fixups } = await runCommand(handlers, 'fixGuest', id);
    expect(fixups.length).toBeGreaterThan(0);
    const started = await runCommand(handlers, 'startVm', id);
    expect(started.isBootSimulated).toBe(true);
    expect((await runCommand(handlers, 'startVm', id)).startedAt).toBe(started.startedAt);
    const booted = await runCommand(handlers, 'verifyBoot', { ...id, timeoutSeconds: 60 });
    expect(booted.evidence).toContain('MARK-7');
    expect((await vmNamed(shape.name))?.powerState).toBe('on');
  });

  it('does not start while the master target has its disks', async () => {
    const shape = await home('MARK-7');
    await expect(runCommand(handlers, 'startVm', id)).rejects.toMatchObject({
      code: 'FB-SITE-003',
      values: { vmName: shape.name },
    });
  });

  it('is reported with its console when it does not boot in time', async () => {
    await home(null);
    await runCommand(handlers, 'attachDisks', id);
    await runCommand(handlers, 'startVm', id);
    const attempt = runCommand(handlers, 'verifyBoot', { ...id, timeoutSeconds: 1 });
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-SITE-005',
      values: { console: expect.stringContaining('No bootable device') },
    });
  });

  it('is waited for no longer when the command is given up', async () => {
    await home(null);
    await runCommand(handlers, 'attachDisks', id);
    await runCommand(handlers, 'startVm', id);
    const context = aCommandContext();
    const input = { ...id, timeoutSeconds: 3600 };
    const attempt = runCommand(handlers, 'verifyBoot', input, context);
    context.abort();
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('goes off once, and gives its disks to the master target again', async () => {
    await home('MARK-7');
    await runCommand(handlers, 'attachDisks', id);
    await runCommand(handlers, 'startVm', id);
    await expect(runCommand(handlers, 'detachDisks', id)).rejects.toMatchObject({
      code: 'FB-SITE-004',
    });
    const stop = { ...id, graceful: true };
    expect(await runCommand(handlers, 'stopVm', stop)).toEqual({ wasRunning: true });
    expect(await runCommand(handlers, 'stopVm', stop)).toEqual({ wasRunning: false });
    expect(await runCommand(handlers, 'detachDisks', id)).toEqual({ diskCount: 2 });
    expect(await runCommand(handlers, 'detachDisks', id)).toEqual({ diskCount: 2 });
  });

  it('has a mobility agent only when it registered after the last boot', async () => {
    const shape = await home('MARK-7');
    await runCommand(handlers, 'attachDisks', id);
    const { vmId } = (await vmNamed(shape.name))!;
    const agent = { vmId, hostName: 'web-01', version: '0.1.0' };
    const notYet = { code: 'FB-AGENT-001', values: { vmName: shape.name } };
    const check = async (): Promise<unknown> => runCommand(handlers, 'checkMobilityAgent', id);
    database.putMobilityAgent({ ...agent, registeredAt: LATER });
    await expect(check()).rejects.toMatchObject(notYet);
    database.putMobilityAgent({ ...agent, registeredAt: new Date(0).toISOString() });
    await runCommand(handlers, 'startVm', id);
    await expect(check()).rejects.toMatchObject(notYet);
    database.putMobilityAgent({ ...agent, registeredAt: LATER });
    const { vmId: _vmId, ...seen } = agent;
    expect(await check()).toEqual({ ...seen, registeredAt: LATER });
  });

  it('gives out an image of its disks for the way back, until it is closed', async () => {
    await home('MARK-7');
    await runCommand(handlers, 'attachDisks', id);
    await runCommand(handlers, 'startVm', id);
    const point = { ...id, pointId: 'point-1' };
    const { disks, takenAt } = await runCommand(handlers, 'openReverseSource', point);
    expect(disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
    expect(Date.parse(takenAt)).not.toBeNaN();
    expect(await runCommand(handlers, 'closeReverseSource', point)).toEqual({ wasOpen: true });
    expect(await runCommand(handlers, 'closeReverseSource', point)).toEqual({ wasOpen: false });
  });
});

describe('a command for a replication that the site does not know', () => {
  const names: readonly CommandName[] = [
    'attachDisks',
    'detachDisks',
    'fixGuest',
    'startVm',
    'checkMobilityAgent',
  ];
  it.each(names)('is refused: %s', async (name) => {
    const attempt = runCommand(handlers, name, { replicationId: 'nobody' });
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-SITE-001',
      values: { replicationId: 'nobody' },
    });
  });

  it('is fine when it is to stop the VM: there is none that could run', async () => {
    const input = { replicationId: 'nobody', graceful: true };
    expect(await runCommand(handlers, 'stopVm', input)).toEqual({ wasRunning: false });
  });
});
