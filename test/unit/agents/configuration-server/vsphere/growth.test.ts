import { describe, expect, it } from '@jest/globals';
import type { DiskRecord } from '../../../../../agents/configuration-server/hypervisors/vsphere/discovery/records.ts';
import {
  growDisks,
  growingDisks,
} from '../../../../../agents/configuration-server/hypervisors/vsphere/growth.ts';
import type { Vm } from '../../../../../agents/configuration-server/hypervisors/vsphere/vm-access.ts';
import type { ErrorCode } from '../../../../../shared/errors/catalogue.ts';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';

const GIB = 1024 ** 3;
const NEEDED = [{ id: 'os', isOsDisk: true, sizeBytes: 2 * GIB }];

function aVm(disk: Partial<DiskRecord>): Vm {
  const plain: DiskRecord = {
    key: 2000,
    label: 'Hard disk 1',
    sizeBytes: GIB,
    controllerKey: 1000,
    unitNumber: 0,
    uuid: '6000C29x',
    backing: 'flat',
    file: '[ds] web/web.vmdk',
    datastoreId: 'ds-1',
    mode: 'persistent',
    isThin: true,
    objectId: null,
    hasParent: false,
    isShared: false,
  };
  const controllers = [{ key: 1000, type: 'ParaVirtualSCSIController', busNumber: 0 }];
  const disks = [{ ...plain, ...disk }];
  const record = { name: 'web', controllers, disks, snapshots: [], settings: {} };
  return { ref: { type: 'VirtualMachine', value: 'vm-1' }, record: record as never };
}

describe('a disk that vSphere does not make larger', () => {
  it.each<readonly [string, Partial<DiskRecord>]>([
    ['it is a raw device mapping', { backing: 'rdmVirtual' }],
    ['it is a raw device mapping in physical mode', { backing: 'rdmPhysical' }],
    ['it stands on a snapshot', { hasParent: true }],
    ['several VMs share it', { isShared: true }],
    ['it is no plain file', { backing: 'sparse' }],
  ])('is told with the reason: %s', (reason, disk) => {
    const values = { diskId: 'os', vmName: 'web', neededBytes: 2 * GIB, reason };
    expect(() => growingDisks(aVm(disk), NEEDED)).toThrow(
      expect.objectContaining({ code: 'FB-SITE-012', values }),
    );
  });

  it('is told when the VM does not have it any more', () => {
    const other = [{ id: 'lun-7', isOsDisk: false, sizeBytes: GIB }];
    expect(() => growingDisks(aVm({}), other)).toThrow(
      expect.objectContaining({ code: 'FB-SITE-012' }),
    );
  });

  it('is no matter when it is as large already', () => {
    const large = { sizeBytes: 2 * GIB, backing: 'rdmVirtual' } as const;
    expect(growingDisks(aVm(large), NEEDED)).toEqual([]);
  });
});

describe('vSphere that does not make a disk larger when it is told to', () => {
  async function growing(code: ErrorCode): Promise<void> {
    const vm = aVm({});
    const refused = new FailbackError(code, { datastore: 'ds', method: 'ReconfigVM_Task' });
    const reconfigure = async (): Promise<void> => Promise.reject(refused);
    await growDisks({ reconfigure }, vm, growingDisks(vm, NEEDED));
  }

  it('for want of room is waited for like a datastore that says so before', async () => {
    await expect(growing('FB-VSPHERE-007')).rejects.toMatchObject({
      code: 'FB-SITE-013',
      isRetryable: true,
      values: { vmName: 'web', neededBytes: GIB, place: 'ds', freeBytes: 'too few' },
    });
  });

  it('for another reason is as it is', async () => {
    await expect(growing('FB-VSPHERE-009')).rejects.toMatchObject({ code: 'FB-VSPHERE-009' });
  });
});
