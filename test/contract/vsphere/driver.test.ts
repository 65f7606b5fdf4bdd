import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { VmShape } from '../../../shared/contracts/commands.ts';
import { Placement } from '../../../agents/configuration-server/hypervisors/vsphere/placement.ts';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { must } from '../../support/must.ts';
import { aVmShape, code, DISK_BYTES } from '../hypervisor/vms.ts';
import { MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

describeWith('vcenter', 'The vSphere driver, when something goes wrong,', () => {
  let site: VsphereFixture;
  beforeAll(async () => {
    site = await VsphereFixture.start({
      config: { gracefulShutdownSeconds: 5 },
    });
  });
  afterEach(async () => {
    await site.peer.clearFailures();
    await site.peer.setGuests({});
    await site.peer.setAccount({ name: site.peer.ready.user, denied: [] });
  });
  afterAll(async () => site.stop());

  const create = async (
    change: Partial<VmShape> = {},
  ): Promise<{ vmId: string; shape: VmShape }> => {
    const shape = aVmShape(change);
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.hypervisor.ensureDisks(vmId, shape.disks);
    return { vmId, shape };
  };
  const masterTargetDisks = async (): Promise<number> =>
    (await site.recordNamed(MASTER_TARGET)).disks.length;
  const running = async (): Promise<{ vmId: string; shape: VmShape }> => {
    const created = await create();
    await site.hypervisor.powerOn(created.vmId);
    await untilTrue('its tools run', async () => {
      return (await site.hypervisor.bootEvidence(created.vmId)).evidence !== null;
    });
    return created;
  };

  it('makes one VM when the answer to its creation was lost', async () => {
    const shape = aVmShape();
    await site.peer.addFailure({ method: 'CreateVM_Task', action: 'dropAfter', times: 1 });
    const attempt = async (): Promise<string> => site.hypervisor.createVm(shape, shape.name, false);
    expect(await code(attempt())).toBe('FB-VSPHERE-003');
    const vmId = await attempt();
    expect(await site.hypervisor.findVm({ name: shape.name })).toMatchObject({ vmId });
    expect((await site.vms.require(vmId)).record).toMatchObject({
      cpuCount: 1,
      memoryMiB: 256,
      firmware: 'bios',
      settings: { 'disk.EnableUUID': 'TRUE', 'azureFailback.creationKey': shape.name },
    });
  });

  it('attaches each disk once when the answer was lost, and finds it again', async () => {
    const { vmId } = await create();
    const before = await masterTargetDisks();
    await site.peer.addFailure({ method: 'ReconfigVM_Task', action: 'dropAfter', times: 1 });
    expect(await code(site.hypervisor.attachToMasterTarget(vmId))).toBe('FB-VSPHERE-003');
    await untilTrue('the task is done', async () => (await masterTargetDisks()) === before + 2);
    const attached = await site.hypervisor.attachToMasterTarget(vmId);
    expect(attached.map(({ device }) => device.kind)).toEqual(['diskUuid', 'diskUuid']);
    expect(await masterTargetDisks()).toBe(before + 2);
    await site.hypervisor.attachToVm(vmId);
    expect(await masterTargetDisks()).toBe(before);
  });

  it('makes each disk once when the task did its work and still failed', async () => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, false);
    await site.peer.addFailure({ method: 'ReconfigVM_Task', action: 'taskLost', times: 1 });
    expect(await code(site.hypervisor.ensureDisks(vmId, shape.disks))).toBe('FB-VSPHERE-009');
    expect(await site.hypervisor.ensureDisks(vmId, shape.disks)).toEqual([]);
    expect((await site.vms.require(vmId)).record.disks).toHaveLength(2);
  });

  it('makes a disk empty when it cannot be copied from another VM', async () => {
    const seed = await create();
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, true);
    const failure = { method: 'CopyVirtualDisk_Task', kind: 'FileLocked', times: 1 } as const;
    await site.peer.addFailure({ ...failure, action: 'taskLost' });
    const fresh = await site.hypervisor.ensureDisks(vmId, shape.disks, seed.vmId);
    expect(fresh).toEqual(['os']);
    expect((await site.vms.require(vmId)).record.disks).toHaveLength(2);
  });

  it('copies a disk again when the answer was lost', async () => {
    const seed = await create();
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, true);
    const attempt = async (): Promise<readonly string[]> =>
      site.hypervisor.ensureDisks(vmId, shape.disks, seed.vmId);
    await site.peer.addFailure({ method: 'CopyVirtualDisk_Task', action: 'dropAfter', times: 1 });
    expect(await code(attempt())).toBe('FB-VSPHERE-003');
    await untilTrue('the copy of the lost call is whole', async () => {
      return (await code(attempt())) === 'done';
    });
    expect(await attempt()).toEqual([]);
    expect((await site.vms.require(vmId)).record.disks).toHaveLength(2);
  });

  it('waits for a task while the server is away, and starts it once', async () => {
    const { vmId } = await create();
    await site.peer.setTaskDelays({ PowerOnVM_Task: 1500 });
    const before = (await site.peer.calls())['PowerOnVM_Task'] ?? 0;
    const on = site.hypervisor.powerOn(vmId);
    await untilTrue('the task was started', async () => {
      return ((await site.peer.calls())['PowerOnVM_Task'] ?? 0) > before;
    });
    await site.peer.startOutage(500);
    await on;
    await site.peer.setTaskDelays({});
    expect((await site.hypervisor.findVm({ vmId, name: '' }))?.powerState).toBe('on');
    expect((await site.peer.calls())['PowerOnVM_Task']).toBe(before + 1);
    await site.hypervisor.powerOff(vmId, false);
  });

  it('says that it is away, and that it is back', async () => {
    await site.peer.startOutage(60_000);
    expect(await site.hypervisor.describe()).toEqual({ isConnected: false, freeBytes: null });
    await site.peer.endOutage();
    expect((await site.hypervisor.describe()).isConnected).toBe(true);
  });

  it('names the privilege that it lacks, and the object', async () => {
    const { vmId, shape } = await create();
    const denied = [{ privilege: 'VirtualMachine.Interact.PowerOn' }];
    await site.peer.setAccount({ name: site.peer.ready.user, denied });
    await expect(site.hypervisor.powerOn(vmId)).rejects.toMatchObject({
      code: 'FB-VSPHERE-005',
      values: {
        privilege: 'VirtualMachine.Interact.PowerOn',
        object: expect.stringContaining(shape.name) as unknown,
      },
    });
  });

  it('says which network is not there, and which are', async () => {
    const shape = aVmShape({ networks: [{ name: 'Nowhere' }] });
    await expect(site.hypervisor.createVm(shape, shape.name, false)).rejects.toMatchObject({
      code: 'FB-VSPHERE-013',
      values: { name: 'Nowhere', known: expect.stringContaining('VM Network') as unknown },
    });
  });

  it('does not give the master target what it cannot use', async () => {
    const name = aVmShape().name;
    const moids = await site.peer.addVms({ prefix: name, datastore: 'datastore1', hasRdm: true });
    const vm = must(
      await site.vms.read({ type: 'VirtualMachine', value: must(moids[name], 'its moid') }),
      'the VM',
    );
    const vmId = must(vm.record.instanceUuid, 'its id');
    const raw = site.hypervisor.attachToMasterTarget(vmId);
    await expect(raw).rejects.toMatchObject({
      code: 'FB-VSPHERE-015',
      values: { diskId: 'lun-0' },
    });
  });

  it('keeps a rehearsal off the networks where no network of its own is configured', async () => {
    const shape = aVmShape();
    const vmId = await site.hypervisor.createVm(shape, shape.name, true);
    const { nics } = (await site.vms.require(vmId)).record;
    expect(nics.map(({ isConnected }) => isConnected)).toEqual([false]);
  });

  it('shuts a guest down that hears, and switches one off that does not', async () => {
    const calls = async (): Promise<readonly [number, number]> => {
      const { ShutdownGuest = 0, PowerOffVM_Task = 0 } = await site.peer.calls();
      return [ShutdownGuest, PowerOffVM_Task];
    };
    const [asked, forced] = await calls();
    const { vmId } = await running();
    await site.hypervisor.powerOff(vmId, true);
    expect(await calls()).toEqual([asked + 1, forced]);
    await site.peer.setGuests({ silent: [(await site.vms.require(vmId)).record.name] });
    await site.hypervisor.powerOn(vmId);
    await site.hypervisor.powerOff(vmId, true);
    expect(await calls()).toEqual([asked + 1, forced + 1]);
  });

  it('reads the frozen disks of a VM that runs, copies nothing, and leaves no snapshot behind', async () => {
    const { vmId } = await running();
    const before = (await site.vms.require(vmId)).record.disks;
    const own = await masterTargetDisks();
    const copiesBefore = (await site.peer.calls())['CopyVirtualDisk_Task'] ?? 0;
    const image = await site.hypervisor.openImage(vmId, 'p-1');
    expect(image.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
    const held = (await site.recordNamed(MASTER_TARGET)).disks.slice(own);
    expect(held.map(({ file, mode }) => [file, mode])).toEqual(
      before.map(({ file }) => [file, 'independent_nonpersistent']),
    );
    expect(await site.hypervisor.closeImage(vmId, 'p-1')).toBe(true);
    const { snapshots, disks } = (await site.vms.require(vmId)).record;
    expect([snapshots, disks]).toEqual([[], before]);
    expect(await masterTargetDisks()).toBe(own);
    expect((await site.peer.calls())['CopyVirtualDisk_Task'] ?? 0).toBe(copiesBefore);
    await site.hypervisor.deleteVm(vmId);
  });

  it('completes an image that a crash left with its snapshot, of the same instant', async () => {
    const { vmId } = await running();
    await site.peer.addFailure({ method: 'ReconfigVM_Task', action: 'dropBefore', times: 1 });
    expect(await code(site.hypervisor.openImage(vmId, 'p-1'))).toBe('FB-VSPHERE-003');
    const [left] = (await site.vms.require(vmId)).record.snapshots;
    await site.restart();
    const image = await site.hypervisor.openImage(vmId, 'p-1');
    expect(image.map(({ diskId }) => diskId)).toEqual(['os', 'lun-0']);
    expect((await site.vms.require(vmId)).record.snapshots).toEqual([left]);
    await site.hypervisor.deleteVm(vmId);
    expect(() => site.dataFile(must(image[0], 'the copy').device)).toThrow('0 disks');
  });

  it.each([
    ['its snapshot was asked for', 'CreateSnapshot_Task'],
    ['its disks were asked for', 'ReconfigVM_Task'],
  ] as const)('cleans up an image that was never finished: %s', async (_title, method) => {
    const { vmId } = await running();
    const own = await masterTargetDisks();
    await site.peer.addFailure({ method, action: 'dropAfter', times: 1 });
    expect(await code(site.hypervisor.openImage(vmId, 'p-1'))).toBe('FB-VSPHERE-003');
    // The next one finds what is left by its name, whatever became of the job that had asked for it.
    await site.hypervisor.openImage(vmId, 'p-2');
    const names = (await site.vms.require(vmId)).record.snapshots.map(({ name }) => name);
    expect(names).toEqual(['azureFailback image p-2']);
    expect(await masterTargetDisks()).toBe(own + 2);
    expect(await site.hypervisor.closeImage(vmId, 'p-2')).toBe(true);
    expect((await site.vms.require(vmId)).record.snapshots).toEqual([]);
    expect(await masterTargetDisks()).toBe(own);
    await site.hypervisor.deleteVm(vmId);
  });

  it('does not take a disk of the master target for one of the VM that has its UUID', async () => {
    const { vmId, shape } = await create();
    const before = await masterTargetDisks();
    const own = must((await site.recordNamed(MASTER_TARGET)).disks[0], 'a disk of its own');
    const [file] = (await site.vms.require(vmId)).record.disks.map((each) => each.file ?? '');
    await site.giveUuid(file ?? '', own.uuid ?? '');
    const clash = { masterTarget: MASTER_TARGET, heldFile: own.file, file };
    for (const attempt of [
      async () => site.hypervisor.checkDisks(vmId, shape.disks),
      async () => site.hypervisor.attachToMasterTarget(vmId),
      async () => site.hypervisor.attachToVm(vmId),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'FB-VSPHERE-023', values: clash });
    }
    expect(await masterTargetDisks()).toBe(before);
  });

  it('takes no image of a VM with a disk that snapshots leave out, and no snapshot either', async () => {
    const { vmId } = await create();
    const vm = await site.vms.require(vmId);
    const controllerKey = must(vm.record.disks[0]?.controllerKey, 'a controller');
    const backing = {
      _typeName: 'VirtualDiskFlatVer2BackingInfo',
      fileName: `[datastore1] ${vm.record.name}/extra.vmdk`,
      diskMode: 'independent_persistent',
    } as const;
    const place = { key: -1, backing, controllerKey, unitNumber: 9, capacityInKB: 1024 };
    await site.vms.reconfigure(vm, {
      deviceChange: [
        {
          _typeName: 'VirtualDeviceConfigSpec',
          operation: 'add',
          fileOperation: 'create',
          device: { _typeName: 'VirtualDisk', ...place },
        },
      ],
    });
    await site.hypervisor.powerOn(vmId);
    expect(await code(site.hypervisor.openImage(vmId, 'p-1'))).toBe('FB-VSPHERE-015');
    expect((await site.vms.require(vmId)).record.snapshots).toEqual([]);
    await site.hypervisor.deleteVm(vmId);
  });

  it('says that a VM has no place for more disks than its controllers hold', async () => {
    const { vmId } = await create();
    const disks = Array.from({ length: 61 }, (_none, lun) => `lun-${lun}`).map((id) => {
      return { id, isOsDisk: false, sizeBytes: DISK_BYTES };
    });
    expect(await code(site.hypervisor.ensureDisks(vmId, disks))).toBe('FB-VSPHERE-017');
    await site.hypervisor.deleteVm(vmId);
  });

  it('keeps the disks of the original VM by size where LUNs have gaps', async () => {
    const name = aVmShape().name;
    const disk = { diskId: 'os', sizeBytes: DISK_BYTES };
    const vmId = await site.addVm({ name, disks: [disk, { ...disk, diskId: 'lun-0' }] });
    const disks = ['os', 'lun-4'].map((id) => ({
      id,
      isOsDisk: id === 'os',
      sizeBytes: DISK_BYTES,
    }));
    expect(await site.hypervisor.ensureDisks(vmId, disks)).toEqual([]);
    const found = await site.hypervisor.findVm({ vmId, name });
    expect(found?.disks.map(({ diskId }) => diskId)).toEqual(['os', 'lun-4']);
  });
});

describeWith('vcenter', 'The vSphere driver on a server that it must not change,', () => {
  it('says that the licence forbids it', async () => {
    const site = await VsphereFixture.start({
      peer: { mode: 'esxi' },
      config: { siteKind: 'esxi' },
    });
    try {
      await site.peer.setLicence('esxBasic');
      const shape = aVmShape();
      const attempt = site.hypervisor.createVm(shape, shape.name, false);
      expect(await code(attempt)).toBe('FB-VSPHERE-006');
    } finally {
      await site.stop();
    }
  });

  it('says that the VM of the master target is not there', async () => {
    const site = await VsphereFixture.start({ config: { masterTarget: 'nobody' } });
    try {
      const shape = aVmShape();
      const creation = site.hypervisor.createVm(shape, shape.name, false);
      expect(await code(creation)).toBe('FB-VSPHERE-014');
      const vmId = await site.addVm({
        name: 'original',
        disks: [{ diskId: 'os', sizeBytes: DISK_BYTES }],
      });
      expect(await code(site.hypervisor.attachToMasterTarget(vmId))).toBe('FB-VSPHERE-014');
    } finally {
      await site.stop();
    }
  });

  it('says that it is of another kind than configured', async () => {
    const site = await VsphereFixture.start({ config: { siteKind: 'esxi' } });
    try {
      expect(await site.hypervisor.describe()).toEqual({ isConnected: false, freeBytes: null });
      const config = { siteKind: 'esxi', datastore: 'datastore1' } as const;
      const placement = new Placement(site.session, site.vms, config);
      expect(await code(placement.checkSiteKind())).toBe('FB-VSPHERE-016');
    } finally {
      await site.stop();
    }
  });
});
