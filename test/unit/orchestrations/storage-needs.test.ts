import { describe, expect, it } from '@jest/globals';
import { storageNeeds } from '../../../orchestrations/support/storage-needs.ts';
import { COMMANDS } from '../../../shared/contracts/commands.ts';

type DatastoreType = 'VMFS' | 'vSAN' | null;

/** An original VM with disks of these types, and room for a new VM on VMFS. */
function siteWith(types: readonly DatastoreType[] | null): Parameters<typeof storageNeeds>[1] {
  const told = COMMANDS.describeSite.output.parse({
    hypervisor: 'vsphere',
    isConnected: true,
    freeBytes: null,
    originalVm: { vmId: 'vm-1', powerState: 'off', snapshotCount: 0, diskCount: 1 },
    observedAt: '2026-03-01T00:00:00.000Z',
    vsphere: {
      placement: { datastore: 'ds-new', datastoreType: 'VMFS' },
      originalVm: {
        biosUuid: 'bios-web',
        disks: types?.map((datastoreType, index) => ({
          name: `disk-${index}`,
          datastore: 'ds-old',
          datastoreType,
        })),
      },
    },
  });
  return told;
}

describe('what a master target has to reach', () => {
  it.each<[string, readonly DatastoreType[] | null, boolean | null]>([
    ['on VMFS', ['VMFS', 'VMFS'], false],
    ['partly on vSAN', ['VMFS', 'vSAN', null], true],
    ['partly nobody knows where', ['VMFS', null], null],
    ['that are not known', null, null],
    ['that there are none of', [], false],
  ])('are the disks of the original VM, %s', (_where, types, isOnVsan) => {
    expect(storageNeeds('failover', siteWith(types))).toEqual({
      datastores: types === null || types.length === 0 ? [] : ['ds-old'],
      isOnVsan,
      biosUuid: 'bios-web',
    });
  });

  it('is the place of a new VM, in a rehearsal and where the original is gone', () => {
    const expected = { datastores: ['ds-new'], isOnVsan: false, biosUuid: null };
    const site = siteWith(['vSAN']);
    expect(storageNeeds('rehearsal', site)).toEqual(expected);
    expect(storageNeeds('failover', { ...site, originalVm: null })).toEqual(expected);
  });

  it('is not known of a site that tells nothing', () => {
    const silent = { originalVm: null, vsphere: null };
    expect(storageNeeds('failover', silent)).toMatchObject({ datastores: [], isOnVsan: null });
  });
});
