import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWith } from '../../peers/peers.ts';
import { createRawVm, disksOf, reconfigure, xml } from '../../support/vcenter/raw-vm.ts';
import { RawSoap } from '../../support/vcenter/raw-soap.ts';
import { VcenterPeer } from '../../support/vcenter/vcenter-peer.ts';

const MIB = 1024 * 1024;

describeWith('vcenter', 'The disks of the vCenter peer', () => {
  let peer: VcenterPeer;
  let soap: RawSoap;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'peer-disks-'));
    peer = await VcenterPeer.start({ datastores: [{ name: 'ds1', folder, type: 'VMFS' }] });
    soap = await RawSoap.connect(peer.ready);
  });
  afterAll(async () => {
    await peer?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are a descriptor and a sparse flat file of the right size, with the uuid that the device shows', async () => {
    const vm = await createRawVm(soap, {
      name: 'files',
      datastore: 'ds1',
      changes: xml.newDisk('[ds1] files/os.vmdk', 0, 64 * 1024),
    });
    const [disk] = await disksOf(soap, vm);
    expect(disk).toMatchObject({ fileName: '[ds1] files/os.vmdk', capacityBytes: 64 * MIB });
    expect(disk?.uuid).toMatch(
      /^6000C29[0-9a-f]-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    );
    const flat = statSync(join(folder, 'files/os-flat.vmdk'));
    expect(flat.size).toBe(64 * MIB);
    expect(flat.blocks).toBe(0);
    const descriptor = readFileSync(join(folder, 'files/os.vmdk'), 'utf8');
    expect(descriptor).toContain('RW 131072 VMFS "os-flat.vmdk"');
    const [, ddb = ''] = /ddb\.uuid = "([^"]+)"/.exec(descriptor) ?? [];
    expect(ddb.replace(/[ -]/g, '')).toBe(disk?.uuid.toLowerCase().replaceAll('-', ''));
  });

  it('stay when they are detached, and are found again by another VM with the same uuid', async () => {
    const owner = await createRawVm(soap, {
      name: 'owner',
      datastore: 'ds1',
      changes: xml.newDisk('[ds1] owner/data.vmdk', 0, 16 * 1024),
    });
    const [before] = await disksOf(soap, owner);
    await reconfigure(soap, owner, xml.removedDisk(before?.key ?? ''));
    expect(await disksOf(soap, owner)).toEqual([]);
    expect(existsSync(join(folder, 'owner/data-flat.vmdk'))).toBe(true);
    const other = await createRawVm(soap, { name: 'other', datastore: 'ds1' });
    await soap.task('PowerOnVM_Task', other);
    await reconfigure(soap, other, xml.existingDisk('[ds1] owner/data.vmdk', 3));
    expect(await disksOf(soap, other)).toMatchObject([
      { uuid: before?.uuid, capacityBytes: 16 * MIB, unit: '3' },
    ]);
  });
});
