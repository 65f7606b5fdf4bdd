import { describe, expect, it } from '@jest/globals';
import type {
  ControllerRecord,
  DiskRecord,
  VmRecord,
} from '../../../../agents/configuration-server/hypervisors/vsphere/discovery/records.ts';
import { readRecord } from '../../../../agents/configuration-server/hypervisors/vsphere/discovery/kinds.ts';
import {
  freeSlots,
  hotAddSlots,
  nameDisks,
  pairDisks,
  slotOf,
} from '../../../../agents/configuration-server/hypervisors/vsphere/disk-slots.ts';

const SCSI = { key: 1000, type: 'ParaVirtualSCSIController', busNumber: 0 };
const disk = (unitNumber: number, change: Partial<DiskRecord> = {}): DiskRecord => ({
  key: 2000 + unitNumber,
  label: 'Hard disk',
  sizeBytes: 1024,
  controllerKey: 1000,
  unitNumber,
  uuid: null,
  backing: 'flat',
  file: null,
  datastoreId: null,
  mode: 'persistent',
  isThin: true,
  objectId: null,
  hasParent: false,
  isShared: false,
  ...change,
});
const vm = (
  disks: readonly DiskRecord[],
  settings: Readonly<Record<string, string>> = {},
  controllers: readonly ControllerRecord[] = [SCSI],
): VmRecord => ({
  ...readRecord<'vm'>('VirtualMachine', new Map()),
  disks,
  settings,
  controllers,
  takenPlaces: disks.map(({ controllerKey, unitNumber }) => ({
    controllerKey: controllerKey ?? 0,
    unitNumber: unitNumber ?? 0,
  })),
});
const shape = (id: string, sizeBytes = 1024) => ({ id, isOsDisk: id === 'os', sizeBytes });
const ids = (pairs: readonly { diskId: string; disk: DiskRecord }[]): readonly string[] =>
  pairs.map(({ diskId, disk: { unitNumber } }) => `${diskId}@${unitNumber}`);

describe('the names of the disks of a VM', () => {
  it('follow their order before the VM took part in a failback', () => {
    expect(ids(nameDisks(vm([disk(2), disk(0), disk(1)])))).toEqual(['os@0', 'lun-0@1', 'lun-1@2']);
  });

  it('are those that are written down afterwards; another disk has the name of its place', () => {
    const settings = { 'azureFailback.disk.os': 'scsi0:1', 'azureFailback.disk.lun-7': 'scsi0:0' };
    const named = nameDisks(vm([disk(0), disk(1), disk(2)], settings));
    expect(ids(named)).toEqual(['lun-7@0', 'os@1', 'disk-scsi0-2@2']);
  });

  it.each([
    ['ParaVirtualSCSIController', 'scsi1:3'],
    ['VirtualLsiLogicSASController', 'scsi1:3'],
    ['VirtualAHCIController', 'sata1:3'],
    ['VirtualIDEController', 'ide1:3'],
    ['VirtualNVMEController', 'nvme1:3'],
  ])('say where a disk sits: %s', (type, slot) => {
    const controllers = [{ key: 5, type, busNumber: 1 }];
    const one = disk(3, { controllerKey: 5 });
    expect(slotOf(vm([one], {}, controllers), one)).toBe(slot);
  });
});

describe('disks of a failback and those of a VM', () => {
  it('are paired by size where LUNs have gaps and disks were left out', () => {
    const large = disk(2, { sizeBytes: 4096 });
    const pairs = pairDisks(vm([disk(0), disk(1), large]), [shape('lun-4', 4096), shape('os')]);
    expect(ids(pairs.known)).toEqual(['os@0', 'lun-4@2']);
    expect(pairs).toMatchObject({ missing: [], isNew: true });
  });

  it('are paired by order where no size fits, so that the difference is seen', () => {
    const { known } = pairDisks(vm([disk(0), disk(1)]), [shape('os'), shape('lun-0', 2048)]);
    expect(ids(known)).toEqual(['os@0', 'lun-0@1']);
  });

  it.each([
    ['two are wanted and two are there', [1, 2], ['lun-0', 'lun-1'], ['lun-0', 'lun-1']],
    ['one is wanted and two are there', [1, 2], ['lun-0'], ['lun-0']],
    ['two are wanted and one is there', [1], ['lun-0', 'lun-1'], ['lun-0', 'lun-1']],
  ])('are not guessed among several of one size: %s', (_title, units, wanted, ambiguous) => {
    const disks = [disk(0), ...units.map((unit) => disk(unit, { sizeBytes: 4096 }))];
    const pairs = pairDisks(vm(disks), [shape('os'), ...wanted.map((id) => shape(id, 4096))]);
    expect(pairs.ambiguous.map(({ id }) => id)).toEqual(ambiguous);
    expect(ids(pairs.known)).toEqual(['os@0']);
  });

  it('are those that the operator named, by their place or their UUID', () => {
    const uuid = '6000C29a-1122-3344-5566-778899aabbcc';
    const disks = [disk(0), disk(1), disk(2, { uuid }), disk(3)];
    const { known, ambiguous } = pairDisks(vm(disks), [
      shape('os'),
      { ...shape('lun-0'), onPremisesDisk: '6000c29a112233445566778899aabbcc' },
      { ...shape('lun-1'), onPremisesDisk: 'scsi0:1' },
      shape('lun-2'),
    ]);
    expect(ids(known)).toEqual(['lun-0@2', 'lun-1@1', 'os@0', 'lun-2@3']);
    expect(ambiguous).toEqual([]);
  });

  it('are not replaced by others when the one that was named is not there', () => {
    const wanted = [shape('os'), { ...shape('lun-0'), onPremisesDisk: 'scsi1:0' }];
    const pairs = pairDisks(vm([disk(0), disk(1)]), wanted);
    expect([pairs.unfound.map(({ id }) => id), ids(pairs.known)]).toEqual([['lun-0'], ['os@0']]);
    expect(pairDisks(vm([]), wanted)).toMatchObject({ unfound: [], missing: wanted });
  });

  it('leave over what has to be made', () => {
    const { known, missing } = pairDisks(vm([disk(0)]), [shape('os'), shape('lun-0')]);
    expect([ids(known), missing.map(({ id }) => id)]).toEqual([['os@0'], ['lun-0']]);
  });

  it('are never guessed once they are written down', () => {
    const settings = { 'azureFailback.disk.os': 'scsi0:0' };
    const { known, missing } = pairDisks(vm([disk(0), disk(1)], settings), [
      shape('os'),
      shape('lun-0'),
    ]);
    expect([ids(known), missing.map(({ id }) => id)]).toEqual([['os@0'], ['lun-0']]);
  });
});

describe('free places for disks', () => {
  it('leave out what is used and where the controller sits', () => {
    const used = [0, 1, 2, 3, 4, 6].map((unit) => disk(unit));
    const found = freeSlots(vm(used), 3);
    expect(found?.map(({ unitNumber }) => unitNumber)).toEqual([5, 8, 9]);
    expect(found?.every(({ controllerKey }) => controllerKey === 1000)).toBe(true);
  });

  it('are never on a controller that holds no disks', () => {
    const controllers = [
      { key: 100, type: 'VirtualPCIController', busNumber: 0 },
      { key: 300, type: 'VirtualPS2Controller', busNumber: 0 },
      SCSI,
    ];
    expect(freeSlots(vm([], {}, controllers), 1)).toMatchObject([{ controllerKey: 1000 }]);
  });

  it('are not where a device of another kind sits', () => {
    const taken = { takenPlaces: [{ controllerKey: 1000, unitNumber: 0 }] };
    expect(freeSlots({ ...vm([]), ...taken }, 1)).toMatchObject([{ unitNumber: 1 }]);
  });

  it.each([
    ['the paravirtual one', ['VirtualLsiLogicController', 'ParaVirtualSCSIController'], 1001],
    ['a new one beside old ones', ['VirtualLsiLogicController', 'VirtualBusLogicController'], -102],
    ['a new one before LSI SAS', ['VirtualLsiLogicSASController'], -101],
    ['LSI SAS when there is no room', Array(4).fill('VirtualLsiLogicSASController'), 1000],
  ])('for disks that come and go are on %s', (_title, types: readonly string[], key) => {
    const controllers = types.map((type, bus) => ({ key: 1000 + bus, type, busNumber: bus }));
    expect(hotAddSlots(vm([], {}, controllers), 1)).toMatchObject([{ controllerKey: key }]);
  });

  it('for disks that come and go are none on old controllers', () => {
    const controllers = Array.from({ length: 4 }, (_none, busNumber) => {
      return { key: 1000 + busNumber, type: 'VirtualLsiLogicController', busNumber };
    });
    expect(hotAddSlots(vm([], {}, controllers), 1)).toBeNull();
  });

  it('go on with new controllers, up to sixty disks in all', () => {
    const sixty = freeSlots(vm([]), 60);
    expect(
      new Set(sixty?.map(({ busNumber, unitNumber }) => `${busNumber}:${unitNumber}`)).size,
    ).toBe(60);
    expect(sixty?.filter(({ controllerKey }) => controllerKey < 0)).toHaveLength(45);
    expect(freeSlots(vm([]), 61)).toBeNull();
    expect(freeSlots(vm([disk(0)]), 60)).toBeNull();
  });
});
