import type { DiskRecord } from './discovery/records.ts';
import type { FreeSlot } from './disk-slots.ts';
import type { ControllerType, Hardware } from './hardware.ts';
import type { MoRef, VimObject } from './vim/values.ts';

type DeviceChange = VimObject<'VirtualDeviceConfigSpec'>;

export const setting = (key: string, value: string): VimObject<'OptionValue'> => ({
  _typeName: 'OptionValue',
  key,
  value,
});

const add = (device: VimObject, fileOperation?: 'create'): DeviceChange => ({
  _typeName: 'VirtualDeviceConfigSpec',
  operation: 'add',
  ...(fileOperation === undefined ? {} : { fileOperation }),
  device,
});

export function newController(
  { controllerKey, busNumber }: FreeSlot,
  type: ControllerType,
): DeviceChange {
  return add({
    _typeName: type,
    key: controllerKey,
    busNumber,
    sharedBus: 'noSharing',
  });
}

/** The controllers that these places need and the VM does not have. */
export function newControllers(
  slots: readonly FreeSlot[],
  type: ControllerType,
): readonly DeviceChange[] {
  const buses = new Map(
    slots.filter(({ controllerKey: key }) => key < 0).map((slot) => [slot.busNumber, slot]),
  );
  return [...buses.values()].map((slot) => newController(slot, type));
}

interface NewDisk {
  readonly file: string;
  readonly sizeBytes: number;
  readonly slot: FreeSlot;
  /** Differs between the devices of one change. */
  readonly temporaryKey: number;
}

/** A disk of the VM itself; its file is made with it unless it is there. */
export function newDisk(
  { file, sizeBytes, slot, temporaryKey }: NewDisk,
  isThere: boolean,
): DeviceChange {
  return add(
    {
      _typeName: 'VirtualDisk',
      key: temporaryKey,
      backing: {
        _typeName: 'VirtualDiskFlatVer2BackingInfo',
        fileName: file,
        diskMode: 'persistent',
        thinProvisioned: true,
      },
      controllerKey: slot.controllerKey,
      unitNumber: slot.unitNumber,
      capacityInKB: Math.ceil(sizeBytes / 1024),
    },
    isThere ? undefined : 'create',
  );
}

/**
 * A disk that exists, for the master target. Independent, so that no snapshot of the master target ever holds it; one
 * that is only read is opened so that its own VM may have it open too.
 */
export function existingDisk(
  { file, sizeBytes, slot, temporaryKey }: NewDisk,
  { use, backing }: { readonly use: 'write' | 'read'; readonly backing: DiskRecord['backing'] },
): DeviceChange {
  const diskMode = use === 'write' ? 'independent_persistent' : 'independent_nonpersistent';
  const opened = { fileName: file, diskMode };
  return add({
    _typeName: 'VirtualDisk',
    key: temporaryKey,
    backing:
      backing === 'rdmVirtual'
        ? {
            _typeName: 'VirtualDiskRawDiskMappingVer1BackingInfo',
            compatibilityMode: 'virtualMode',
            ...opened,
          }
        : { _typeName: 'VirtualDiskFlatVer2BackingInfo', ...opened },
    controllerKey: slot.controllerKey,
    unitNumber: slot.unitNumber,
    capacityInKB: Math.ceil(sizeBytes / 1024),
  });
}

/** Of a disk of the VM itself, which is a file and no part of a chain. */
export function grownDisk(disk: DiskRecord, sizeBytes: number): DeviceChange {
  const { key, file, mode, controllerKey, unitNumber } = disk;
  return {
    _typeName: 'VirtualDeviceConfigSpec',
    operation: 'edit',
    device: {
      _typeName: 'VirtualDisk',
      key,
      backing: {
        _typeName: 'VirtualDiskFlatVer2BackingInfo',
        fileName: file ?? '',
        diskMode: mode ?? 'persistent',
      },
      ...(controllerKey === null ? {} : { controllerKey }),
      ...(unitNumber === null ? {} : { unitNumber }),
      capacityInKB: Math.ceil(sizeBytes / 1024),
      capacityInBytes: sizeBytes,
    },
  };
}

/** Takes the device out of the VM; its file stays. */
export function removedDisk({ key, sizeBytes }: DiskRecord): DeviceChange {
  return {
    _typeName: 'VirtualDeviceConfigSpec',
    operation: 'remove',
    device: { _typeName: 'VirtualDisk', key, capacityInKB: Math.ceil(sizeBytes / 1024) },
  };
}

export interface NetworkTarget {
  readonly name: string;
  readonly ref: MoRef;
  /** Of a distributed port group. */
  readonly port: { readonly switchUuid: string; readonly portgroupKey: string } | null;
}

interface NewNic {
  readonly network: NetworkTarget;
  readonly isConnected: boolean;
  readonly temporaryKey: number;
}

export function newNic(
  { network, isConnected, temporaryKey }: NewNic,
  type: Hardware['nic'],
): DeviceChange {
  return add({
    _typeName: type,
    key: temporaryKey,
    backing: networkBacking(network),
    connectable: {
      _typeName: 'VirtualDeviceConnectInfo',
      startConnected: isConnected,
      allowGuestControl: true,
      connected: isConnected,
    },
    addressType: 'generated',
  });
}

function networkBacking({ name, ref, port }: NetworkTarget): VimObject {
  if (port === null) {
    return { _typeName: 'VirtualEthernetCardNetworkBackingInfo', deviceName: name, network: ref };
  }
  return {
    _typeName: 'VirtualEthernetCardDistributedVirtualPortBackingInfo',
    port: { _typeName: 'DistributedVirtualSwitchPortConnection', ...port },
  };
}
