import { readName } from '../../../agents/configuration-server/hypervisors/vsphere/discovery/property-readers.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import type { DatastoreType } from '../../support/vcenter/peer-types.ts';
import { aVmShape } from '../hypervisor/vms.ts';
import { DATASTORE, MASTER_TARGET, VsphereFixture } from '../hypervisor/vsphere-fixture.ts';

const ONE = 'mt-one';
const TWO = 'mt-two';
const BOTH = 'both';
const [ONLY_FIRST, ONLY_SECOND] = ['only-first', 'only-second'];
const MASTER_TARGETS = { mt1: ONE, mt2: TWO };

describeWith(
  'vcenter',
  'Of two hosts, one datastore each and one of both, the vSphere driver',
  () => {
    let site: VsphereFixture;
    let hosts: readonly { readonly id: string; readonly name: string }[];
    const folders: string[] = [];

    const addDatastore = async (
      name: string,
      mountedBy: readonly string[],
      type: DatastoreType = 'VMFS',
    ): Promise<void> => {
      const folder = mkdtempSync(join(tmpdir(), `${name}-`));
      folders.push(folder);
      await site.peer.addDatastore({ name, folder, type, hosts: mountedBy });
    };
    const hostOf = async (name: string): Promise<string | null> =>
      (await site.recordNamed(name)).hostId;
    const disksOf = async (name: string): Promise<readonly string[]> =>
      (await site.recordNamed(name)).disks.map(({ file }) => file ?? '');

    beforeAll(async () => {
      site = await VsphereFixture.start({ config: { masterTargets: MASTER_TARGETS } });
      const found = await site.vms.objects({ HostSystem: ['name'] });
      hosts = found.map(({ ref, properties }) => ({
        id: ref.value,
        name: readName(properties.get('name')),
      }));
      const [first = '', second = ''] = hosts.map(({ name }) => name);
      await addDatastore(ONLY_FIRST, [first]);
      await addDatastore(ONLY_SECOND, [second]);
      await addDatastore('nfs', [first, second], 'NFS');
      await site.peer.addVms({ prefix: ONE, datastore: ONLY_FIRST, diskMb: 1, isOn: true });
      await site.peer.addVms({ prefix: TWO, datastore: ONLY_SECOND, diskMb: 1, isOn: true });
    });
    afterAll(async () => {
      await site.stop();
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    });

    it.each([
      [ONLY_FIRST, true],
      [ONLY_SECOND, false],
      [DATASTORE, true],
    ])('tells of %s whether the host of a master target reaches it', async (datastore, isSeen) => {
      await site.discover();
      const subject = { vmName: 'new', masterTarget: 'mt1', datastore };
      const { vsphere } = await site.hypervisor.describe(subject);
      expect(vsphere?.masterTargetVm?.hostId).toBe(hosts[0]?.id);
      expect(vsphere?.placement?.datastoreHostIds?.includes(hosts[0]?.id ?? '')).toBe(isSeen);
    });

    it('has each master target on the host that reaches its datastore', async () => {
      expect(await hostOf(ONE)).toBe(hosts[0]?.id);
      expect(await hostOf(TWO)).toBe(hosts[1]?.id);
    });

    it.each([
      ['mt1', ONLY_FIRST, ONE],
      ['mt2', ONLY_SECOND, TWO],
      ['mt1', DATASTORE, ONE],
      ['mt2', DATASTORE, TWO],
    ])('makes a VM on the host of %s and on %s', async (masterTarget, datastore, machine) => {
      const shape = aVmShape();
      const place = { masterTarget, datastore };
      const vmId = await site.hypervisor.createVm(shape, shape.name, false, place);
      await site.hypervisor.ensureDisks(vmId, shape.disks);
      const { record } = await site.vms.require(vmId);
      expect(record.hostId).toBe(await hostOf(machine));
      expect(record.vmxFile).toMatch(`[${datastore}] `);
      expect(record.disks.every(({ file }) => file?.startsWith(`[${datastore}] `))).toBe(true);
      const attached = await site.hypervisor.attachToMasterTarget(vmId, masterTarget);
      expect(attached).toHaveLength(shape.disks.length);
      expect(await disksOf(machine)).toEqual(
        expect.arrayContaining(record.disks.map(({ file }) => file)),
      );
      await site.hypervisor.deleteVm(vmId);
    });

    it.each([
      [
        'its host does not reach it',
        ONLY_SECOND,
        'its host does not reach the datastore only-second',
      ],
      ['it is no VMFS', 'nfs', 'the datastore nfs is NFS, not VMFS'],
    ])('makes no VM on a datastore when %s', async (_what, datastore, reason) => {
      const shape = aVmShape();
      const place = { masterTarget: 'mt1', datastore };
      await expect(site.hypervisor.createVm(shape, shape.name, false, place)).rejects.toMatchObject(
        {
          code: 'FB-VSPHERE-018',
          values: { vmName: shape.name, masterTarget: ONE, reason },
        },
      );
      expect(await site.hypervisor.findVm({ name: shape.name })).toBeNull();
    });

    it.each([
      ['mt1', 0],
      ['mt2', 1],
    ])(
      'tells preflight before that a VM would be made on the host of %s',
      async (masterTarget, index) => {
        await site.discover();
        const { vsphere } = await site.hypervisor.describe({ vmName: 'new', masterTarget });
        expect(vsphere?.placement).toMatchObject({
          hostName: hosts[index]?.name,
          datastore: DATASTORE,
        });
      },
    );

    it('makes no VM on a datastore that is not there', async () => {
      const shape = aVmShape();
      await expect(
        site.hypervisor.createVm(shape, shape.name, false, { masterTarget: 'mt1', datastore: 'x' }),
      ).rejects.toMatchObject({ code: 'FB-VSPHERE-013' });
    });

    it('gives a VM its disks only through a master target whose host reaches them', async () => {
      await site.peer.addVms({ prefix: BOTH, datastore: ONLY_SECOND, disks: 2, diskMb: 1 });
      const vm = await site.hypervisor.findVm({ name: BOTH });
      const vmId = vm?.vmId ?? '';
      await expect(site.hypervisor.attachToMasterTarget(vmId, 'mt1')).rejects.toMatchObject({
        code: 'FB-VSPHERE-015',
        values: { vmName: BOTH },
      });
      expect(await site.hypervisor.attachToMasterTarget(vmId, 'mt2')).toHaveLength(2);
      await site.hypervisor.attachToVm(vmId);
    });

    it('moves disks from one master target to another, and takes them back from whoever has them', async () => {
      await site.peer.addVms({ prefix: 'moving', datastore: DATASTORE, disks: 2, diskMb: 1 });
      const { vmId = '' } = (await site.hypervisor.findVm({ name: 'moving' })) ?? {};
      const [own, other] = [await disksOf(ONE), await disksOf(TWO)];
      await site.hypervisor.attachToMasterTarget(vmId, 'mt1');
      expect(await disksOf(ONE)).toHaveLength(own.length + 2);
      expect((await site.hypervisor.findVm({ vmId, name: '' }))?.disksAt).toBe('masterTarget');
      await expect(site.hypervisor.powerOn(vmId)).rejects.toMatchObject({ code: 'FB-SITE-003' });
      await site.hypervisor.attachToMasterTarget(vmId, 'mt2');
      expect(await disksOf(ONE)).toEqual(own);
      expect(await disksOf(TWO)).toHaveLength(other.length + 2);
      await site.hypervisor.attachToVm(vmId);
      expect(await disksOf(TWO)).toEqual(other);
      expect((await site.hypervisor.findVm({ vmId, name: '' }))?.disksAt).toBe('vm');
    });

    it('refuses a master target that the configuration does not name', async () => {
      const { vmId = '' } = (await site.hypervisor.findVm({ name: BOTH })) ?? {};
      await expect(site.hypervisor.attachToMasterTarget(vmId, 'mt9')).rejects.toMatchObject({
        code: 'FB-VSPHERE-014',
        values: { masterTarget: 'mt9' },
      });
    });

    it('takes the one for machines that name none where none is named', async () => {
      const { vmId = '' } = (await site.hypervisor.findVm({ name: 'moving' })) ?? {};
      const before = await disksOf(MASTER_TARGET);
      await site.hypervisor.attachToMasterTarget(vmId);
      expect(await disksOf(MASTER_TARGET)).toHaveLength(before.length + 2);
      await site.hypervisor.attachToVm(vmId);
    });

    it('tells which of them reach what, for the choice among them', async () => {
      await site.discover();
      const subject = { vmName: BOTH, masterTargets: ['mt1', 'mt2', 'mt3'] };
      const { vsphere } = await site.hypervisor.describe(subject);
      const told = vsphere?.masterTargets?.map(({ name, ownDiskCount, visibleDatastores }) => ({
        name,
        ownDiskCount,
        visibleDatastores: visibleDatastores?.toSorted(),
      }));
      expect(told).toEqual([
        { name: 'mt1', ownDiskCount: 1, visibleDatastores: [DATASTORE, 'nfs', ONLY_FIRST] },
        { name: 'mt2', ownDiskCount: 1, visibleDatastores: [DATASTORE, 'nfs', ONLY_SECOND] },
      ]);
    });
  },
);

describeWith('vcenter', 'Of a host without vCenter, the vSphere driver', () => {
  let site: VsphereFixture;

  beforeAll(async () => {
    site = await VsphereFixture.start({ peer: { mode: 'esxi' }, config: { siteKind: 'esxi' } });
    await site.peer.addVms({ prefix: BOTH, datastore: DATASTORE, disks: 2, diskMb: 1 });
  });
  afterAll(async () => site.stop());

  it('gives no disks away before its discovery has finished, which it sees to itself', async () => {
    const { vmId = '' } = (await site.hypervisor.findVm({ name: BOTH })) ?? {};
    await site.peer.addFailure({ method: 'WaitForUpdatesEx', action: 'fault' });
    await expect(site.hypervisor.attachToMasterTarget(vmId)).rejects.toMatchObject({
      code: expect.stringMatching(/^FB-VSPHERE-/),
    });
    expect((await site.hypervisor.findVm({ vmId, name: '' }))?.disksAt).toBe('vm');
    expect(site.tables.observedAt()).toBeNull();
    await site.peer.clearFailures();
    expect(await site.hypervisor.attachToMasterTarget(vmId)).toHaveLength(2);
    expect(site.tables.named('vm', BOTH)).toHaveLength(1);
    expect(site.tables.fact('licences')).not.toBeNull();
  });
});
