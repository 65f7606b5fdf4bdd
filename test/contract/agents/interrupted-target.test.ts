import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import { prepareTarget, restoreTarget } from '../../../agents/configuration-server/target.ts';
import type { VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Hypervisor } from '../../../shared/ports/hypervisor.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { aVmShape, DISK_BYTES } from '../hypervisor/vms.ts';
import { LocalFixture } from '../hypervisor/local-fixture.ts';

let site: LocalFixture;
let folder: string;
let database: SiteDatabase;
let shape: VmShape;

beforeEach(() => {
  site = new LocalFixture();
  folder = mkdtempSync(join(tmpdir(), 'interrupted-target-'));
  database = new SiteDatabase(folder);
  shape = aVmShape();
});
afterEach(async () => {
  database.close();
  await site.stop();
  rmSync(folder, { recursive: true, force: true });
});

const parts = () => ({ hypervisor: site.hypervisor, database });
const vmNamed = async (name: string): ReturnType<Hypervisor['findVm']> =>
  site.hypervisor.findVm({ name });

async function production(): Promise<string> {
  const disks = shape.disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
  return site.addVm({ name: shape.name, disks });
}

/** A database of a program that dies when it is to write for the n-th time, before it has written. */
function dyingAtWrite(count: number): SiteDatabase {
  let writes = 0;
  return new Proxy(database, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]): unknown => {
        writes += name === 'putReplication' ? 1 : 0;
        if (writes === count) throw new Error('died');
        return Reflect.apply(value, target, parameters);
      };
    },
  });
}

const self = { address: 'cs1.site.example', backups: null };

describe('a rehearsal beside its production VM', () => {
  const rehearsal = { replicationId: 'rehearsal-web', isRehearsal: true };
  const restore = { replicationId: 'rehearsal-web', startVm: false };

  it('leaves it alone when it is cleaned up again after a crash in the middle of it', async () => {
    const vmId = await production();
    const before = await vmNamed(shape.name);
    const prepared = await prepareTarget(parts(), { ...rehearsal, vm: shape }, 'job-1.prepare');
    // The program died after it had deleted its own VM and before it had forgotten the rehearsal.
    await site.hypervisor.attachToVm(prepared.vmId);
    await site.hypervisor.deleteVm(prepared.vmId);
    await restoreTarget(parts(), restore);
    expect(await vmNamed(shape.name)).toEqual(before);
    expect(before?.vmId).toBe(vmId);
    expect(database.findReplication('rehearsal-web')).toBeNull();
  });

  it('does not stop, start or take the disks of it once its own VM is gone', async () => {
    const vmId = await production();
    await site.hypervisor.powerOn(vmId);
    const before = await vmNamed(shape.name);
    const { vmId: scratch } = await prepareTarget(
      parts(),
      { ...rehearsal, vm: shape },
      'job-1.prepare',
    );
    await site.hypervisor.deleteVm(scratch);
    const authority = await CertificateAuthority.open(folder, new Secret('p'));
    const handlers = createConfigurationServerHandlers({ ...parts(), authority, self });
    const id = { replicationId: 'rehearsal-web' };
    const stop = await runCommand(handlers, 'stopVm', { ...id, graceful: false });
    expect(stop).toEqual({ wasRunning: false });
    for (const name of ['startVm', 'attachDisks', 'detachDisks', 'checkMobilityAgent'] as const) {
      const attempt = runCommand(handlers, name, id);
      await expect(attempt).rejects.toMatchObject({ code: 'FB-SITE-002' });
    }
    expect(await vmNamed(shape.name)).toEqual(before);
    await site.hypervisor.powerOff(vmId);
  });
});

describe('a target that is a new VM', () => {
  const input = () => ({ replicationId: 'web', vm: shape, isRehearsal: false });

  it.each([1, 2, 3])('is one VM of ours when the program dies at its write %i', async (count) => {
    const dying = { hypervisor: site.hypervisor, database: dyingAtWrite(count) };
    await expect(prepareTarget(dying, input(), 'job-1.prepare')).rejects.toThrow('died');
    await site.restart();
    const prepared = await prepareTarget(parts(), input(), 'job-1.prepare');
    expect(prepared.location).toBe('alternate');
    expect((await vmNamed(shape.name))?.vmId).toBe(prepared.vmId);
    const restored = await restoreTarget(parts(), { replicationId: 'web', startVm: true });
    expect(restored).toEqual({ deletedVm: true, startedVm: false });
    expect(await vmNamed(shape.name)).toBeNull();
  });

  it('is not left behind when it is given up after a crash right behind its creation', async () => {
    const dying = { hypervisor: site.hypervisor, database: dyingAtWrite(2) };
    await expect(prepareTarget(dying, input(), 'job-1.prepare')).rejects.toThrow('died');
    expect(await vmNamed(shape.name)).not.toBeNull();
    await restoreTarget(parts(), { replicationId: 'web', startVm: false });
    expect(await vmNamed(shape.name)).toBeNull();
    expect(database.findReplication('web')).toBeNull();
  });
});

describe('a target beside an original VM that leaves the inventory', () => {
  const input = () =>
    ({ replicationId: 'web', vm: shape, isRehearsal: false, originalVm: 'unregister' }) as const;
  const restore = { replicationId: 'web', startVm: false };
  const expectBack = async (original: string): Promise<void> => {
    expect(await restoreTarget(parts(), restore)).toEqual({ deletedVm: true, startedVm: false });
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: original, disksAt: 'vm' });
    expect(database.findReplication('web')).toBeNull();
  };

  it.each([1, 2, 3])('is a new one when the program dies at its write %i', async (count) => {
    const original = await production();
    const dying = { hypervisor: site.hypervisor, database: dyingAtWrite(count) };
    await expect(prepareTarget(dying, input(), 'job-1.prepare')).rejects.toThrow('died');
    await site.restart();
    const prepared = await prepareTarget(parts(), input(), 'job-1.prepare');
    expect(prepared.location).toBe('alternate');
    expect(prepared.vmId).not.toBe(original);
    expect((await vmNamed(shape.name))?.vmId).toBe(prepared.vmId);
    await expectBack(original);
  });

  it('lets it back when a rollback died after it had deleted the new one', async () => {
    const original = await production();
    const { vmId } = await prepareTarget(parts(), input(), 'job-1.prepare');
    await site.hypervisor.deleteVm(vmId);
    expect(await restoreTarget(parts(), restore)).toEqual({ deletedVm: false, startedVm: false });
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: original });
  });

  it('is refused while the original runs, and nothing is made or written down', async () => {
    const original = await production();
    await site.hypervisor.powerOn(original);
    await expect(prepareTarget(parts(), input(), 'job-1.prepare')).rejects.toMatchObject({
      code: 'FB-SITE-010',
    });
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: original, powerState: 'on' });
    expect(database.findReplication('web')).toBeNull();
    await site.hypervisor.powerOff(original);
  });

  it('leaves one outside that somebody else had taken out, and does not bring it back', async () => {
    const original = await production();
    await site.hypervisor.unregisterVm(original);
    const { vmId } = await prepareTarget(
      parts(),
      { ...input(), targetVmId: original },
      'job-1.prepare',
    );
    expect(vmId).not.toBe(original);
    await restoreTarget(parts(), restore);
    expect(await vmNamed(shape.name)).toBeNull();
    expect(await site.hypervisor.findUnregistered({ vmId: original, name: '' })).not.toBeNull();
  });

  it('is no matter of a rehearsal', async () => {
    const original = await production();
    await prepareTarget(
      parts(),
      { ...input(), replicationId: 'rehearsal-web', isRehearsal: true },
      'job-1.prepare',
    );
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: original });
  });
});

describe('an original VM that was taken out of the inventory', () => {
  const input = () => ({ replicationId: 'web', vm: shape, isRehearsal: false });

  it.each([1, 2, 3])('is the target when the program dies at its write %i', async (count) => {
    const original = await production();
    await site.hypervisor.unregisterVm(original);
    const dying = { hypervisor: site.hypervisor, database: dyingAtWrite(count) };
    await expect(prepareTarget(dying, input(), 'job-1.prepare')).rejects.toThrow('died');
    await site.restart();
    const prepared = await prepareTarget(parts(), input(), 'job-1.prepare');
    expect(prepared).toMatchObject({ vmId: original, location: 'original', wasRunning: false });
    await restoreTarget(parts(), { replicationId: 'web', startVm: true });
    expect(await vmNamed(shape.name)).toMatchObject({ vmId: original, powerState: 'off' });
  });

  it('is told from one of its name that took its place: its id counts', async () => {
    const original = await production();
    await site.hypervisor.unregisterVm(original);
    const other = await production();
    const prepared = await prepareTarget(
      parts(),
      { ...input(), targetVmId: original },
      'job-1.prepare',
    );
    expect(prepared.vmId).toBe(original);
    expect((await site.hypervisor.findVm({ vmId: other, name: '' }))?.disksAt).toBe('vm');
  });
});

describe('facts about a site', () => {
  async function facts(targetVmId: string) {
    const authority = await CertificateAuthority.open(folder, new Secret('p'));
    const handlers = createConfigurationServerHandlers({ ...parts(), authority, self });
    return runCommand(handlers, 'describeSite', { vmName: shape.name, targetVmId });
  }

  it('never tell of another VM of the name when that of the id is gone', async () => {
    await production();
    expect((await facts('gone')).originalVm).toBeNull();
  });

  it('are given, without a VM, while the hypervisor is away', async () => {
    const vmId = await production();
    rmSync(site.folder, { recursive: true });
    expect(await facts(vmId)).toMatchObject({ isConnected: false, originalVm: null });
  });
});

describe('a disk that takes no part', () => {
  it('stays with the VM, and is given out to nobody', async () => {
    const extra = { diskId: 'extra', sizeBytes: DISK_BYTES };
    const disks = shape.disks.map(({ id: diskId, sizeBytes }) => ({ diskId, sizeBytes }));
    await site.addVm({ name: shape.name, disks: [...disks, extra] });
    const input = { replicationId: 'web', vm: shape, isRehearsal: false };
    const prepared = await prepareTarget(parts(), input, 'job-1.prepare');
    expect(prepared.disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
    expect((await vmNamed(shape.name))?.disks).toContainEqual(extra);
  });
});
