import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { vsphereFacts } from '../../../../agents/configuration-server/hypervisors/vsphere/site-facts.ts';
import { InventoryTables } from '../../../../agents/configuration-server/inventory-tables.ts';
import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';

const GIB = 1024 ** 3;
const CONFIG = {
  masterTarget: 'mt',
  masterTargets: {},
  datastore: 'ds',
  siteKind: 'vcenter' as const,
};
const CONTROLLERS = [{ key: 1000, type: 'ParaVirtualSCSIController', busNumber: 0 }];

let tables: InventoryTables;

beforeEach(() => {
  tables = new InventoryTables(new DatabaseSync(':memory:'));
});

/** Disks of the VM by their size in GiB, in the order of their places. */
function told(
  sizesGib: readonly number[],
  wanted: readonly DiskShape[] | undefined,
  vm: object = {},
): NonNullable<VsphereFacts['originalVm']> | null {
  const disks = sizesGib.map((size, index) => ({
    key: 2000 + index,
    label: `Hard disk ${index + 1}`,
    sizeBytes: size * GIB,
    controllerKey: 1000,
    unitNumber: index,
    uuid: `6000C29${index}`,
    backing: 'flat',
    datastoreId: 'ds-1',
  }));
  const settings = {};
  const record = { name: 'web', instanceUuid: 'uuid', controllers: CONTROLLERS, settings, disks };
  const objects = [
    { kind: 'vm', id: 'vm-1', record: { ...record, vmxFile: '[ds] web/web.vmx', ...vm } },
    { kind: 'datastore', id: 'ds-1', record: { ...DATASTORE, isAccessible: true } },
  ] as const;
  tables.replaceAll(objects, '2026-03-01T00:00:00.000Z');
  const disksOf = wanted === undefined ? {} : { disks: wanted };
  const subject = { vmName: 'web', originalVmId: 'uuid', ...disksOf };
  return vsphereFacts(tables, CONFIG, subject).originalVm;
}

const DATASTORE = { name: 'ds', type: 'VMFS', mounts: [] };
const OS = { id: 'os', isOsDisk: true, sizeBytes: GIB };
const data = (lun: number, size: number, onPremisesDisk?: string): DiskShape => ({
  id: `lun-${lun}`,
  isOsDisk: false,
  sizeBytes: size * GIB,
  ...(onPremisesDisk === undefined ? {} : { onPremisesDisk }),
});

describe('what a vSphere site tells of the disks of the original VM', () => {
  it.each([
    ['is attached', [1, 2], [OS, data(0, 2)], ['found', 'found']],
    ['was detached', [1], [OS, data(0, 2)], ['found', 'missing']],
    [
      'was detached and was no file',
      [1, 2],
      [OS, data(0, 2), data(1, 5)],
      ['found', 'found', 'missing'],
    ],
    ['has a twin', [1, 2, 2], [OS, data(0, 2), data(3, 2)], ['found', 'ambiguous', 'ambiguous']],
    ['has a twin that was left out', [1, 2, 2], [OS, data(0, 2)], ['found', 'ambiguous']],
    ['has a twin and was named', [1, 2, 2], [OS, data(0, 2, 'scsi0:2')], ['found', 'found']],
    ['is named and not there', [1, 2], [OS, data(0, 2, 'scsi0:9')], ['found', 'unfound']],
    ['has another size', [1, 3], [OS, data(0, 2)], ['found', 'otherSize']],
    ['is all that is gone', [], [OS], ['missing']],
  ] as const)('is how each was found: one %s', (_what, sizes, wanted, expected) => {
    expect(told(sizes, wanted)?.matches?.map(({ match }) => match)).toEqual(expected);
  });

  it('is not how they were found when nobody asked for any', () => {
    expect(told([1], undefined)?.matches).toBeNull();
  });

  it('is what an earlier failback wrote down in the VM', () => {
    const settings = { 'azureFailback.disk.os': 'scsi0:0', 'azureFailback.disk.lun-0': 'scsi0:1' };
    const matches = told([1, 2, 2], [OS, data(0, 2), data(1, 2)], { settings })?.matches;
    expect(matches?.map(({ match }) => match)).toEqual(['found', 'found', 'missing']);
  });

  it('is where each is, and whether its datastore is accessible', () => {
    const facts = told([1, 2], [OS]);
    expect(facts).toMatchObject({ isOnVsan: false, disks: [{ isDatastoreAccessible: true }, {}] });
    expect(facts?.disks?.map(({ place, sizeBytes }) => [place, sizeBytes])).toEqual([
      ['scsi0:0', GIB],
      ['scsi0:1', 2 * GIB],
    ]);
    const away = { type: 'vsan', isAccessible: false };
    tables.apply([{ kind: 'datastore', id: 'ds-1', changes: away }], '2026-03-01T00:01:00.000Z');
    const later = vsphereFacts(tables, CONFIG, { vmName: 'web', originalVmId: 'uuid' }).originalVm;
    expect(later).toMatchObject({ isOnVsan: true, disks: [{ isDatastoreAccessible: false }, {}] });
  });

  it('is not whether it lies on vSAN where nobody knows its files', () => {
    expect(told([1], [OS], { vmxFile: null })?.isOnVsan).toBeNull();
  });
});
