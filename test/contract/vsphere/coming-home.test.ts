import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { CertificateAuthority } from '../../../agents/configuration-server/certificate-authority.ts';
import { SiteDatabase } from '../../../agents/configuration-server/database.ts';
import { createConfigurationServerHandlers } from '../../../agents/configuration-server/handlers.ts';
import { uuidInGuest } from '../../../agents/configuration-server/guest-ids.ts';
import type { VmRecord } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/records.ts';
import type { CommandHandlers } from '../../../agents/runtime/types.ts';
import type { VmShape } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { describeWith } from '../../peers/peers.ts';
import { untilTrue } from '../../support/control-plane/until.ts';
import { runCommand } from '../../support/data-plane/command-context.ts';
import { must } from '../../support/must.ts';
import { aVmShape, DISK_BYTES } from '../hypervisor/vms.ts';
import { VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

describeWith('vcenter', 'A machine that comes home to a vCenter', () => {
  let site: VsphereFixture;
  let folder: string;
  let database: SiteDatabase;
  let handlers: CommandHandlers;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coming-home-'));
    site = await VsphereFixture.start();
    database = new SiteDatabase(folder);
    const authority = await CertificateAuthority.open(folder, new Secret('a passphrase'));
    const { hypervisor } = site;
    handlers = createConfigurationServerHandlers({
      hypervisor,
      database,
      authority,
      self: { address: '127.0.0.1', backups: null },
    });
  });
  afterAll(async () => {
    database.close();
    await site.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const prepared = async (shape: VmShape): Promise<{ vmId: string; record: VmRecord }> => {
    const input = { replicationId: shape.name, vm: shape, isRehearsal: false };
    const { vmId, location } = await runCommand(handlers, 'prepareTarget', input);
    expect(location).toBe('alternate');
    return { vmId, record: (await site.vms.require(vmId)).record };
  };
  const start = async ({ name: replicationId }: VmShape): Promise<void> => {
    await runCommand(handlers, 'attachDisks', { replicationId });
    await runCommand(handlers, 'startVm', { replicationId });
  };
  const evidenceOf = async ({ name: replicationId }: VmShape): Promise<string> => {
    const input = { replicationId, timeoutSeconds: 60 };
    return (await runCommand(handlers, 'verifyBoot', input)).evidence;
  };
  const booted = async (shape: VmShape): Promise<string> => {
    await start(shape);
    return evidenceOf(shape);
  };

  it.each([
    [
      'a physical server of generation 2 with paravirtual devices',
      { firmware: 'efi', cpuCount: 2, memoryMiB: 512 },
      ['ParaVirtualSCSIController', 'VirtualVmxnet3'],
    ],
    [
      'an old physical server with devices that it has drivers for',
      { osName: 'Red Hat Enterprise Linux 5.11' },
      ['VirtualLsiLogicController', 'VirtualE1000'],
    ],
    [
      'a physical server with Windows, whose tools are not there yet,',
      { osType: 'Windows', firmware: 'efi', osName: 'Windows Server 2019' },
      ['VirtualLsiLogicSASController', 'VirtualE1000e'],
    ],
  ] as const)('is a new VM: %s', async (_title, change, devices) => {
    const shape = aVmShape(change);
    const { record } = await prepared(shape);
    expect(record).toMatchObject({
      name: shape.name,
      firmware: shape.firmware,
      cpuCount: shape.cpuCount,
      memoryMiB: shape.memoryMiB,
    });
    const controllers = record.controllers.filter(({ type }) => /SCSI|LsiLogic/.test(type));
    expect([...controllers, ...record.nics].map(({ type }) => type)).toEqual(devices);
    expect(record.disks.map(({ sizeBytes }) => sizeBytes)).toEqual([DISK_BYTES, DISK_BYTES]);
    expect(await booted(shape)).toContain('VMware Tools run');
  });

  it('has booted when its mobility agent says so, though its tools are disabled', async () => {
    const shape = aVmShape({ osType: 'Windows' });
    const { vmId } = await prepared(shape);
    await site.peer.setGuests({ silent: [shape.name] });
    const registeredAt = '2999-01-01T00:00:00.000Z';
    const agent = { hostName: 'web01', version: '1', registeredAt };
    database.putMobilityAgent({ vmId, ...agent });
    expect(await booted(shape)).toBe('The mobility agent registered from web01');
    const id = { replicationId: shape.name };
    const { fixups } = await runCommand(handlers, 'fixGuest', id);
    expect(fixups[0]).toMatchObject({ name: 'VMware Tools', outcome: 'deferredToGuest' });
    await site.peer.setGuests({});
  });

  it.each([
    ['as the guest shows it', true],
    ['as the vCenter does', false],
  ])('has booted when the agent registers with its BIOS UUID, %s', async (_how, isTurned) => {
    const shape = aVmShape();
    const { record } = await prepared(shape);
    await site.peer.setGuests({ silent: [shape.name] });
    const biosUuid = must(record.biosUuid, 'its BIOS UUID');
    const vmId = isTurned ? must(uuidInGuest(biosUuid), 'its UUID in the guest') : biosUuid;
    const registeredAt = '2999-01-01T00:00:00.000Z';
    const agent = { hostName: 'web01', version: '1', vmwareTools: 'notInstalled' } as const;
    database.putMobilityAgent({ vmId, ...agent, registeredAt });
    expect(await booted(shape)).toBe(
      'The mobility agent registered from web01; VMware Tools: they are not installed',
    );
    await site.peer.setGuests({});
  });

  it('has booted by its tools, though its agent registered just as they were looked for', async () => {
    const shape = aVmShape();
    const { vmId } = await prepared(shape);
    await start(shape);
    jest.spyOn(site.hypervisor, 'bootEvidence').mockImplementationOnce(async () => {
      // What the vCenter said a moment ago; until that is heard, the tools come up, and the agent.
      await untilTrue(
        'the tools run',
        async () => (await site.vms.require(vmId)).record.toolsState === 'running',
      );
      const registeredAt = '2999-01-01T00:00:00.000Z';
      database.putMobilityAgent({ vmId, hostName: 'web01', version: '1', registeredAt });
      return { evidence: null, isSimulated: false, consoleTail: '' };
    });
    expect(await evidenceOf(shape)).toContain('VMware Tools run');
  });

  it('does not count as booted by a registration from before', async () => {
    const shape = aVmShape();
    const { vmId } = await prepared(shape);
    await site.peer.setGuests({ silent: [shape.name] });
    const registeredAt = '2001-01-01T00:00:00.000Z';
    database.putMobilityAgent({ vmId, hostName: 'web01', version: '1', registeredAt });
    await start(shape);
    const input = { replicationId: shape.name, timeoutSeconds: 1 };
    const attempt = runCommand(handlers, 'verifyBoot', input);
    await expect(attempt).rejects.toMatchObject({ code: 'FB-SITE-005' });
    await site.peer.setGuests({});
  });

  it('loses its snapshots when the operator asks for it, and only then goes to the master target', async () => {
    const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
    const shape = aVmShape({ disks: [{ id: 'os', isOsDisk: true, sizeBytes: DISK_BYTES }] });
    const vmId = await site.addVm({ name: shape.name, disks });
    await site.addSnapshot(vmId);
    await site.addSnapshot(vmId);
    const prepare = { replicationId: shape.name, vm: shape, isRehearsal: false };
    await expect(runCommand(handlers, 'prepareTarget', prepare)).rejects.toMatchObject({
      code: 'FB-VSPHERE-015',
    });
    const vmName = { vmName: shape.name };
    const removed = await runCommand(handlers, 'removeSnapshots', vmName);
    expect(removed).toEqual({ removedCount: 2 });
    const { location } = await runCommand(handlers, 'prepareTarget', prepare);
    expect(location).toBe('original');
    const nobody = { vmName: shape.name, targetVmId: 'gone' };
    expect(await runCommand(handlers, 'removeSnapshots', nobody)).toEqual({ removedCount: 0 });
  });
});

describeWith('vcenter', 'An original VM on vSAN', () => {
  const disk = (id: string): VmShape['disks'][number] => ({
    id,
    isOsDisk: id === 'os',
    sizeBytes: DISK_BYTES,
  });
  let site: VsphereFixture;
  const start = async (siteKind: 'vcenter' | 'avs'): Promise<string> => {
    site = await VsphereFixture.start({ datastoreType: 'vsan', config: { siteKind } });
    const disks = [{ diskId: 'os', sizeBytes: DISK_BYTES }];
    return site.addVm({ name: 'web', disks });
  };
  afterEach(async () => site.stop());

  it('goes home to the disks that are there and attached, objects of vSAN', async () => {
    const vmId = await start('vcenter');
    const [first] = (await site.vms.require(vmId)).record.disks;
    expect(first?.objectId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await site.hypervisor.ensureDisks(vmId, [disk('os')])).toEqual([]);
    const [attached] = await site.hypervisor.attachToMasterTarget(vmId);
    const { device } = must(attached, 'its disk');
    await site.write(device, 0, Buffer.alloc(512, 'x'));
    expect((await site.read(device, 0, 512)).equals(Buffer.alloc(512, 'x'))).toBe(true);
    await site.hypervisor.attachToVm(vmId);
  });

  it('gets no disk that was detached or added in Azure, and keeps those that it has', async () => {
    const vmId = await start('vcenter');
    const both = [disk('os'), disk('lun-0')];
    await expect(site.hypervisor.ensureDisks(vmId, both)).rejects.toMatchObject({
      code: 'FB-VSPHERE-022',
      values: { vmName: 'web', diskIds: 'lun-0' },
    });
    expect((await site.vms.require(vmId)).record.disks).toHaveLength(1);
  });

  it('gets them in a private cloud of Azure VMware Solution', async () => {
    const vmId = await start('avs');
    const both = [disk('os'), disk('lun-0')];
    expect(await site.hypervisor.ensureDisks(vmId, both)).toEqual(['lun-0']);
  });

  it('is refused a new VM beside it outside of such a cloud', async () => {
    await start('vcenter');
    const attempt = site.hypervisor.createVm(aVmShape(), 'new', false);
    await expect(attempt).rejects.toMatchObject({
      code: 'FB-VSPHERE-018',
      values: { reason: 'the datastore datastore1 is vsan, not VMFS' },
    });
  });

  it('tells preflight whether the master target lies there', async () => {
    await start('vcenter');
    await site.discover();
    const { vsphere } = await site.hypervisor.describe({ vmName: 'web' });
    expect(vsphere?.masterTargetVm?.isOnVsan).toBe(true);
    expect(vsphere?.placement?.datastoreType).toBe('vSAN');
  });
});

describeWith('vcenter', 'A private cloud of Azure VMware Solution', () => {
  it('gives its vSAN disks to a master target on vSAN only', async () => {
    const site = await VsphereFixture.start({ config: { siteKind: 'avs' } });
    const folder = mkdtempSync(join(tmpdir(), 'vsan-'));
    try {
      await site.peer.addDatastore({ name: 'vsanDatastore', folder, type: 'vsan' });
      const made = await site.peer.addVms({ prefix: 'web', datastore: 'vsanDatastore' });
      const vm = await site.vms.read({ type: 'VirtualMachine', value: made['web'] ?? '' });
      const attempt = site.hypervisor.attachToMasterTarget(vm?.record.instanceUuid ?? '');
      await expect(attempt).rejects.toMatchObject({
        code: 'FB-VSPHERE-015',
        values: { reason: 'it lies on vSAN, which the VM master-target does not' },
      });
    } finally {
      await site.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is not an ESXi host by itself', async () => {
    const site = await VsphereFixture.start({
      peer: { mode: 'esxi' },
      config: { siteKind: 'avs' },
    });
    try {
      expect(await site.hypervisor.describe()).toMatchObject({ isConnected: false });
    } finally {
      await site.stop();
    }
  });
});
