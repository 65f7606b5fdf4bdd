import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { createRawVm, disksOf, reconfigure, xml } from '../../support/vcenter/raw-vm.ts';
import { faultKindOf, type RawFault, ref } from '../../support/vcenter/raw-soap.ts';
import { aVm, diskManager, diskSpec, usePeer } from './peer-fixture.ts';

const MIB = 1024 * 1024;

describeWith('vcenter', 'The disks of the vCenter peer', () => {
  const site = usePeer();
  const file = (path: string): string => join(site.folder, path);

  it('are a descriptor and a sparse flat file of the right size, with the uuid of the device', async () => {
    const vm = await createRawVm(site.soap, {
      name: 'files',
      datastore: 'ds1',
      changes: xml.newDisk('[ds1] files/os.vmdk', 0, 64 * 1024),
    });
    const [disk] = await disksOf(site.soap, vm);
    expect(disk).toMatchObject({ fileName: '[ds1] files/os.vmdk', capacityBytes: 64 * MIB });
    expect(disk?.uuid).toMatch(/^6000C29[0-9a-f](?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const flat = statSync(file('files/os-flat.vmdk'));
    expect(flat).toMatchObject({ size: 64 * MIB, blocks: 0 });
    const descriptor = readFileSync(file('files/os.vmdk'), 'utf8');
    expect(descriptor).toContain('RW 131072 VMFS "os-flat.vmdk"');
    const [, ddb = ''] = /ddb\.uuid = "([^"]+)"/.exec(descriptor) ?? [];
    expect(ddb.replace(/[ -]/g, '')).toBe(disk?.uuid.toLowerCase().replaceAll('-', ''));
  });

  it('stay when they are detached, and a running VM takes them over with the same uuid', async () => {
    const owner = await aVm(site, 'owner');
    const [before] = await disksOf(site.soap, owner);
    await reconfigure(site.soap, owner, xml.removedDisk(before?.key ?? ''));
    expect(await disksOf(site.soap, owner)).toEqual([]);
    expect(existsSync(file('owner/owner-flat.vmdk'))).toBe(true);
    const other = await aVm(site, 'other', { isOn: true, disks: 0 });
    await reconfigure(site.soap, other, xml.existingDisk('[ds1] owner/owner.vmdk', 3));
    expect(await disksOf(site.soap, other)).toMatchObject([
      { uuid: before?.uuid, capacityBytes: 16 * MIB, unit: '3' },
    ]);
    // Destroying the VM that made the disk leaves what it no longer holds.
    await site.soap.task('Destroy_Task', owner);
    expect(existsSync(file('owner/owner-flat.vmdk'))).toBe(true);
    expect(existsSync(file('owner/owner.vmx'))).toBe(false);
  });

  it('go with the device when that is asked for, and with their VM', async () => {
    const vm = await aVm(site, 'gone', { disks: 2 });
    const [, second] = await disksOf(site.soap, vm);
    await reconfigure(
      site.soap,
      vm,
      xml.removedDisk(second?.key ?? '', '<fileOperation>destroy</fileOperation>'),
    );
    expect(existsSync(file('gone/gone_1.vmdk'))).toBe(false);
    expect(existsSync(file('gone/gone_1-flat.vmdk'))).toBe(false);
    await site.soap.task('Destroy_Task', vm);
    expect(existsSync(file('gone'))).toBe(false);
  });

  it('are locked while a VM with them runs: neither attached elsewhere, nor deleted, nor extended', async () => {
    const holder = await aVm(site, 'holder', { isOn: true });
    const name = '[ds1] holder/holder.vmdk';
    const taker = await aVm(site, 'taker', { isOn: true, disks: 0 });
    const attach = (): Promise<void> => reconfigure(site.soap, taker, xml.existingDisk(name, 1));
    // A host says in its messages only that it is a lock.
    const refused = await attach().catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: 'GenericVmConfigFault' });
    const { detail } = refused as RawFault;
    expect(detail['faultMessage']).toContainEqual(
      expect.objectContaining({ key: 'msg.fileio.lock', message: 'Failed to lock the file' }),
    );
    expect(await faultKindOf(diskManager(site, 'DeleteVirtualDisk_Task', { name }))).toBe(
      'FileLocked',
    );
    const larger = '<newCapacityKb>32768</newCapacityKb>';
    expect(
      await faultKindOf(diskManager(site, 'ExtendVirtualDisk_Task', { name, rest: larger })),
    ).toBe('FileLocked');
    await site.soap.task('PowerOffVM_Task', holder);
    await attach();
    // Now the other one runs with the disk, so its first owner cannot start.
    expect(await faultKindOf(site.soap.task('PowerOnVM_Task', holder))).toBe(
      'GenericVmConfigFault',
    );
  });

  it('are not deleted as files, nor with another VM, while a VM with them runs', async () => {
    const maker = await aVm(site, 'maker');
    const runner = await aVm(site, 'runner', { isOn: true, disks: 0 });
    await reconfigure(site.soap, runner, xml.existingDisk('[ds1] maker/maker.vmdk', 1));
    expect(await faultKindOf(site.soap.task('Destroy_Task', maker))).toBe('FileLocked');
    const remove = (name: string): Promise<unknown> =>
      site.soap.task(
        'DeleteDatastoreFile_Task',
        site.soap.service('fileManager'),
        `<name>${name}</name>${ref('datacenter', site.datacenter)}`,
      );
    expect(await faultKindOf(remove('[ds1] maker/maker.vmdk'))).toBe('FileLocked');
    expect(await faultKindOf(remove('[ds1] maker'))).toBe('FileLocked');
    expect(existsSync(file('maker/maker-flat.vmdk'))).toBe(true);
    await site.soap.task('PowerOffVM_Task', runner);
    await remove('[ds1] maker');
    expect(existsSync(file('maker'))).toBe(false);
    expect(await faultKindOf(remove('[ds1] maker'))).toBe('FileNotFound');
  });

  it('can be held by two running VMs that both share them', async () => {
    const sharing = '<sharing>sharingMultiWriter</sharing>';
    const name = '[ds1] one/shared.vmdk';
    const one = await aVm(site, 'one', { isOn: true, disks: 0 });
    const two = await aVm(site, 'two', { isOn: true, disks: 0 });
    await diskManager(site, 'CreateVirtualDisk_Task', { name, rest: diskSpec(1024) });
    await reconfigure(site.soap, one, xml.existingDisk(name, 1, sharing));
    expect(await faultKindOf(reconfigure(site.soap, two, xml.existingDisk(name, 1)))).toBe(
      'GenericVmConfigFault',
    );
    await reconfigure(site.soap, two, xml.existingDisk(name, 1, sharing));
    expect(await disksOf(site.soap, two)).toHaveLength(1);
  });

  it('are created, copied with their bytes under a new uuid, extended and deleted without a VM', async () => {
    const name = '[ds1] lone.vmdk';
    await diskManager(site, 'CreateVirtualDisk_Task', { name, rest: diskSpec(4096) });
    expect(
      await faultKindOf(
        diskManager(site, 'CreateVirtualDisk_Task', { name, rest: diskSpec(4096) }),
      ),
    ).toBe('FileAlreadyExists');
    const bytes = Buffer.alloc(4 * MIB);
    bytes.write('something of value', 2 * MIB);
    writeFileSync(file('lone-flat.vmdk'), bytes);
    await diskManager(site, 'CopyVirtualDisk_Task', {
      name,
      prefix: 'source',
      rest: `<destName>[ds1] twin.vmdk</destName>${ref('destDatacenter', site.datacenter)}`,
    });
    expect(readFileSync(file('twin-flat.vmdk')).equals(bytes)).toBe(true);
    const uuidOf = (disk: string): Promise<unknown> =>
      site.soap.call(
        'QueryVirtualDiskUuid',
        site.soap.service('virtualDiskManager'),
        `<name>${disk}</name>${ref('datacenter', site.datacenter)}`,
      );
    expect(await uuidOf('[ds1] twin.vmdk')).not.toBe(await uuidOf(name));
    await diskManager(site, 'ExtendVirtualDisk_Task', {
      name,
      rest: '<newCapacityKb>8192</newCapacityKb>',
    });
    expect(statSync(file('lone-flat.vmdk')).size).toBe(8 * MIB);
    expect(readFileSync(file('lone.vmdk'), 'utf8')).toContain('RW 16384 VMFS');
    await diskManager(site, 'DeleteVirtualDisk_Task', { name });
    expect(existsSync(file('lone-flat.vmdk'))).toBe(false);
    expect(await faultKindOf(diskManager(site, 'DeleteVirtualDisk_Task', { name }))).toBe(
      'FileNotFound',
    );
  });

  it('grow when the device of a VM is edited', async () => {
    const vm = await aVm(site, 'grows');
    const [disk] = await disksOf(site.soap, vm);
    const edit = (capacityKb: number): string =>
      `<deviceChange><operation>edit</operation><device xsi:type="VirtualDisk">` +
      `<key>${disk?.key ?? ''}</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo">` +
      `<fileName>${disk?.fileName ?? ''}</fileName><diskMode>persistent</diskMode></backing>` +
      `<controllerKey>1000</controllerKey><unitNumber>0</unitNumber>` +
      `<capacityInKB>${capacityKb}</capacityInKB></device></deviceChange>`;
    await reconfigure(site.soap, vm, edit(32 * 1024));
    expect(statSync(file('grows/grows-flat.vmdk')).size).toBe(32 * MIB);
    expect(await disksOf(site.soap, vm)).toMatchObject([
      { uuid: disk?.uuid, capacityBytes: 32 * MIB },
    ]);
    expect(await faultKindOf(reconfigure(site.soap, vm, edit(1024)))).toBe('InvalidArgument');
  });

  it('are refused where the file is missing, or the datastore has no room for a thick one', async () => {
    const vm = await aVm(site, 'refused', { disks: 0 });
    expect(
      await faultKindOf(reconfigure(site.soap, vm, xml.existingDisk('[ds1] no/such.vmdk', 0))),
    ).toBe('FileNotFound');
    await site.peer.setDatastoreSize('ds1', 100 * MIB, 10 * MIB);
    const large = (isThin: boolean): Promise<void> =>
      reconfigure(site.soap, vm, xml.newDisk('[ds1] refused/large.vmdk', 0, 20 * 1024, isThin));
    expect(await faultKindOf(large(false))).toBe('NoDiskSpace');
    await large(true);
  });
});
