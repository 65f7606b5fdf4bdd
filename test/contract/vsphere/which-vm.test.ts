import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import { removedDisk } from '../../../agents/configuration-server/hypervisors/vsphere/device-specs.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { CommandOutput, DiskShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { aVmShape, DISK_BYTES } from '../hypervisor/vms.ts';
import { DATASTORE, MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const disk = (id: string, change: Partial<DiskShape> = {}): DiskShape => ({
  id,
  isOsDisk: id === 'os',
  sizeBytes: DISK_BYTES,
  ...change,
});

describeWith('vcenter', 'The original VM of a machine', () => {
  let site: VsphereFixture;
  let folder: string;
  let database: SiteDatabase;
  let handlers: CommandHandlers;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'which-vm-'));
    site = await VsphereFixture.start();
    database = new SiteDatabase(folder);
    const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    const self = { address: '127.0.0.1', backups: null };
    const { hypervisor } = site;
    handlers = createConfigurationServerHandlers({ hypervisor, database, authority, self });
  });
  afterEach(async () => {
    await site.peer.hide([]);
    await site.peer.setTaskDelays({});
  });
  afterAll(async () => {
    database.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const prepare = async (
    name: string,
    disks: readonly DiskShape[],
    input: object = {},
  ): Promise<CommandOutput<'prepareTarget'>> => {
    const vm = aVmShape({ name, disks: [...disks] });
    const whole = { replicationId: name, vm, isRehearsal: false, ...input };
    return runCommand(handlers, 'prepareTarget', whole);
  };
  const power = async (vmId: string): Promise<string | undefined> =>
    (await site.hypervisor.findVm({ vmId, name: '' }))?.powerState;
  /** Sizes in MiB, the OS disk first. */
  const runningVm = async (...disksMb: number[]): Promise<{ name: string; vmId: string }> => {
    const { name } = aVmShape();
    const where = { prefix: name, datastore: DATASTORE, isOn: true };
    const moids = await site.peer.addVms({ ...where, disksMb });
    const vm = await site.vms.read({ type: 'VirtualMachine', value: moids[name] ?? '' });
    return { name, vmId: vm?.record.instanceUuid ?? '' };
  };

  const twins = async (): Promise<{ name: string; prod: string; dev: string }> => {
    const { name } = aVmShape();
    const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
    const prod = await site.addVm({ name, disks, folder: 'prod' });
    const dev = await site.addVm({ name, disks, folder: 'dev' });
    await site.hypervisor.powerOn(prod);
    await site.hypervisor.powerOn(dev);
    return { name, prod, dev };
  };

  it.each(['inaccessible', 'orphaned'] as const)(
    'is not gone while it is %s: nothing is decided, and none is made in its place',
    async (state) => {
      const { name, vmId } = await runningVm(4);
      await site.discover();
      await site.peer.setConnection(name, state);
      await site.discover();
      const unknown = { code: 'FB-VSPHERE-021', values: { vmName: name } };
      const input = { vmName: name, targetVmId: vmId };
      await expect(runCommand(handlers, 'describeSite', input)).rejects.toMatchObject(unknown);
      await expect(prepare(name, [disk('os')], { targetVmId: vmId })).rejects.toMatchObject(
        unknown,
      );
      const all = await site.vms.objects({ VirtualMachine: ['name'] });
      const named = all.filter(({ properties }) => properties.get('name') === name);
      expect(named).toHaveLength(1);
      await site.peer.setConnection(name, 'connected');
      expect(await power(vmId)).toBe('on');
    },
  );

  it('is shown while its host is away, and not changed', async () => {
    const { name, vmId } = await runningVm(4);
    await site.peer.setConnection(name, 'disconnected');
    expect(await power(vmId)).toBe('on');
    await expect(site.hypervisor.powerOff(vmId, false)).rejects.toMatchObject({
      code: 'FB-VSPHERE-010',
      isRetryable: true,
    });
    await site.peer.setConnection(name, 'connected');
    expect(await site.hypervisor.powerOff(vmId, false)).toBe(true);
  });

  it('is refused by its name, with the places of all', async () => {
    const { name, prod, dev } = await twins();
    const ambiguous = {
      code: 'FB-SITE-011',
      values: { vmName: name, places: `/DC0/vm/prod/${name}, /DC0/vm/dev/${name}` },
    };
    await expect(prepare(name, [disk('os')])).rejects.toMatchObject(ambiguous);
    const asked = runCommand(handlers, 'describeSite', { vmName: name });
    await expect(asked).rejects.toMatchObject(ambiguous);
    expect([await power(prod), await power(dev)]).toEqual(['on', 'on']);
    expect(database.findReplication(name)).toBeNull();
  });

  it('is the one of its id among those of its name', async () => {
    const { name, prod, dev } = await twins();
    const prepared = await prepare(name, [disk('os')], { targetVmId: dev });
    expect(prepared).toMatchObject({ vmId: dev, location: 'original', wasRunning: true });
    expect([await power(prod), await power(dev)]).toEqual(['on', 'off']);
  });

  it('is not another VM of its name once it is gone', async () => {
    const { name, vmId } = await runningVm(1);
    const gone = '52aa0000-0000-4000-8000-00000000dead';
    const told = await runCommand(handlers, 'describeSite', { vmName: name, targetVmId: gone });
    expect(told.originalVm).toBeNull();
    // In the folder of the other one there is no room for another of its name, and that one stays as it is.
    const refused = prepare(name, [disk('os')], { targetVmId: gone });
    await expect(refused).rejects.toMatchObject({ values: { fault: 'DuplicateName' } });
    expect(await power(vmId)).toBe('on');
  });

  it('is not stopped when a disk has another size', async () => {
    const { name, vmId } = await runningVm(2);
    const refused = prepare(name, [disk('os')]);
    await expect(refused).rejects.toMatchObject({ code: 'FB-SITE-006' });
    expect(await power(vmId)).toBe('on');
  });

  it('is not stopped when it has a snapshot that somebody made', async () => {
    const { name, vmId } = await runningVm(1);
    await site.addSnapshot(vmId);
    await expect(prepare(name, [disk('os')])).rejects.toMatchObject({ code: 'FB-VSPHERE-015' });
    expect(await power(vmId)).toBe('on');
  });

  it('is not stopped when data disks of one size cannot be told apart', async () => {
    const { name, vmId } = await runningVm(1, 2, 2);
    const data = disk('lun-0', { sizeBytes: 2 * DISK_BYTES });
    await expect(prepare(name, [disk('os'), data])).rejects.toMatchObject({
      code: 'FB-VSPHERE-019',
      values: { diskIds: 'lun-0', there: expect.stringContaining('scsi0:2 (2097152') as unknown },
    });
    expect(await power(vmId)).toBe('on');
  });

  it('shows before a failback which of its disks are which, and which were detached', async () => {
    const { name, vmId } = await runningVm(1, 2, 2, 3);
    const { disks: attached } = (await site.vms.require(vmId)).record;
    const data = (lun: number, size: number, onPremisesDisk?: string): DiskShape =>
      disk(`lun-${lun}`, {
        sizeBytes: size * DISK_BYTES,
        ...(onPremisesDisk === undefined ? {} : { onPremisesDisk }),
      });
    const told = async (...disks: readonly DiskShape[]): Promise<unknown> => {
      await site.discover();
      const asked = { vmName: name, disks: [disk('os'), ...disks] };
      const { vsphere } = await runCommand(handlers, 'describeSite', asked);
      return vsphere?.originalVm?.matches?.map(({ match }) => match);
    };
    expect(await told(data(0, 2), data(1, 3))).toEqual(['found', 'ambiguous', 'found']);
    expect(await told(data(0, 2, 'scsi0:2'), data(1, 3))).toEqual(['found', 'found', 'found']);
    expect(await told(data(0, 2, attached[1]?.uuid ?? ''), data(1, 3, 'scsi0:7'))).toEqual([
      'found',
      'found',
      'unfound',
    ]);
    const vm = await site.vms.require(vmId);
    await site.vms.reconfigure(vm, { deviceChange: vm.record.disks.slice(1).map(removedDisk) });
    expect(await told(data(0, 2), data(1, 3))).toEqual(['found', 'missing', 'missing']);
    expect(await power(vmId)).toBe('on');
  });

  it('is not stopped when a disk that was named is not there', async () => {
    const { name, vmId } = await runningVm(1, 1);
    const data = disk('lun-0', { onPremisesDisk: 'scsi0:5' });
    await expect(prepare(name, [disk('os'), data])).rejects.toMatchObject({
      code: 'FB-VSPHERE-020',
      values: { diskId: 'lun-0', wanted: 'scsi0:5' },
    });
    expect(await power(vmId)).toBe('on');
  });

  it('gives the disks that were named, and keeps to that', async () => {
    const { name, vmId } = await runningVm(1, 2, 2);
    const { disks } = (await site.vms.require(vmId)).record;
    const data = disk('lun-0', { sizeBytes: 2 * DISK_BYTES, onPremisesDisk: 'scsi0:2' });
    const prepared = await prepare(name, [disk('os'), data]);
    const expected = { kind: 'diskUuid', uuid: disks[2]?.uuid };
    expect(prepared.disks[1]).toMatchObject({ diskId: 'lun-0', device: expected, isBlank: false });
    const again = await prepare(name, [disk('os'), { ...data, onPremisesDisk: 'scsi0:1' }]);
    expect(again.disks).toEqual(prepared.disks);
  });

  it('is stopped although it only was about to start', async () => {
    const { name, vmId } = await runningVm(1);
    await prepare(name, [disk('os')]);
    await runCommand(handlers, 'attachDisks', { replicationId: name });
    await site.peer.setTaskDelays({ PowerOnVM_Task: 1000 });
    const before = (await site.peer.calls())['PowerOnVM_Task'] ?? 0;
    const starting = site.hypervisor.powerOn(vmId);
    await untilTrue('the start is under way', async () => {
      return ((await site.peer.calls())['PowerOnVM_Task'] ?? 0) > before;
    });
    const stop = { replicationId: name, graceful: false };
    expect(await runCommand(handlers, 'stopVm', stop)).toEqual({ wasRunning: true });
    await starting;
    expect(await power(vmId)).toBe('off');
  });

  it('is not taken to be off when the server does not say', async () => {
    const { name, vmId } = await runningVm(1);
    await site.peer.hide(['runtime.powerState']);
    const found = site.hypervisor.findVm({ vmId, name });
    await expect(found).rejects.toMatchObject({ code: 'FB-VSPHERE-021' });
    const attached = site.hypervisor.attachToMasterTarget(vmId);
    await expect(attached).rejects.toMatchObject({ code: 'FB-SITE-004' });
  });

  it('is not taken to boot from BIOS when the server does not say', async () => {
    const { name, vmId } = await runningVm(1);
    expect((await site.hypervisor.findVm({ vmId, name }))?.firmware).toBe('bios');
    await site.peer.hide(['config.firmware']);
    expect((await site.hypervisor.findVm({ vmId, name }))?.firmware).toBeUndefined();
  });

  it('does not give its disks to one of several VMs with the name of the master target', async () => {
    const { vmId } = await runningVm(1);
    await site.hypervisor.powerOff(vmId, false);
    await site.addVm({ name: MASTER_TARGET, disks: [], folder: 'dev' });
    const attached = site.hypervisor.attachToMasterTarget(vmId);
    await expect(attached).rejects.toMatchObject({
      code: 'FB-VSPHERE-013',
      values: { name: MASTER_TARGET, known: expect.stringContaining('/DC0/vm/dev/') as unknown },
    });
  });
});
