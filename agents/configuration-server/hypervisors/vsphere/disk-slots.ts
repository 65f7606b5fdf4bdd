import type { DiskShape } from '../../../../shared/contracts/commands.ts';
import type { DiskRecord, VmRecord } from './discovery/records.ts';

/** `azureFailback.disk.<disk id>` = slot, as `scsi0:1`. Files change their names with snapshots and moves; slots stay. */
const DISK_SETTING = 'azureFailback.disk.';
const DISKS_A_CONTROLLER = 15;
const MAX_CONTROLLERS = 4;
/** The controller itself sits there. */
const RESERVED_UNIT = 7;

export interface NamedDisk {
  readonly diskId: string;
  readonly disk: DiskRecord;
}

/** Where a disk can be put. `controllerKey` is negative for a controller that is made for it. */
export interface FreeSlot {
  readonly controllerKey: number;
  readonly busNumber: number;
  readonly unitNumber: number;
}

export const diskSetting = (diskId: string): string => `${DISK_SETTING}${diskId}`;
export const scsiSlot = ({ busNumber, unitNumber }: FreeSlot): string =>
  `scsi${busNumber}:${unitNumber}`;

/** As VMware writes it. */
export function slotOf(
  { controllers }: VmRecord,
  { controllerKey, unitNumber }: DiskRecord,
): string {
  const controller = controllers.find(({ key }) => key === controllerKey);
  return `${busOf(controller?.type ?? '')}${controller?.busNumber ?? 0}:${unitNumber ?? 0}`;
}

/** Also for new disks. */
export function scsiControllers({ controllers }: VmRecord): VmRecord['controllers'] {
  return controllers.filter(({ type }) => busOf(type) === 'scsi');
}

function busOf(type: string): string {
  if (/IDE/.test(type)) return 'ide';
  if (/AHCI|SATA/.test(type)) return 'sata';
  if (/NVME/i.test(type)) return 'nvme';
  // A VM also has controllers that hold no disks: PCI, PS/2, serial.
  return /SCSI|LsiLogic|BusLogic/.test(type) ? 'scsi' : 'other';
}

/**
 * Which disk of the VM is which of the failback. Written down in the VM once it took part in one; before that the
 * first disk is the OS disk and the others are `lun-0`, `lun-1` … in their order.
 */
export function nameDisks(vm: VmRecord): readonly NamedDisk[] {
  const bySlot = new Map<string, string>();
  for (const [key, slot] of Object.entries(vm.settings)) {
    if (key.startsWith(DISK_SETTING)) bySlot.set(slot, key.slice(DISK_SETTING.length));
  }
  return ordered(vm).map((disk, index) => {
    const slot = slotOf(vm, disk);
    const unknown = bySlot.size > 0 ? `disk-${slot.replace(':', '-')}` : defaultId(index);
    return { diskId: bySlot.get(slot) ?? unknown, disk };
  });
}

const defaultId = (index: number): string => (index === 0 ? 'os' : `lun-${index - 1}`);
const ordered = ({ disks }: VmRecord): readonly DiskRecord[] =>
  disks.toSorted((a, b) => a.key - b.key);

export interface Pairing {
  readonly known: readonly NamedDisk[];
  readonly missing: readonly DiskShape[];
  /** True when the names are not written down in the VM yet. */
  readonly isNew: boolean;
}

/**
 * Pairs the disks of the failback with those of the VM: by what is written down; else the OS disk with the first one,
 * and each other with the first of its size, because LUNs may have gaps and disks may have been left out. Where one
 * fits by order only, the pair has two sizes, which the caller finds.
 */
export function pairDisks(vm: VmRecord, wanted: readonly DiskShape[]): Pairing {
  const isNew = !Object.keys(vm.settings).some((key) => key.startsWith(DISK_SETTING));
  if (!isNew) {
    const named = nameDisks(vm);
    const known = named.filter(({ diskId }) => wanted.some(({ id }) => id === diskId));
    const missing = wanted.filter(({ id }) => !known.some(({ diskId }) => diskId === id));
    return { known, missing, isNew };
  }
  const left = [...ordered(vm)];
  const known: NamedDisk[] = [];
  const missing: DiskShape[] = [];
  for (const shape of wanted.toSorted((a, b) => Number(b.isOsDisk) - Number(a.isOsDisk))) {
    const fitting = left.findIndex(({ sizeBytes }) => sizeBytes === shape.sizeBytes);
    const [disk] = left.splice(shape.isOsDisk || fitting === -1 ? 0 : fitting, 1);
    if (disk === undefined) missing.push(shape);
    else known.push({ diskId: shape.id, disk });
  }
  return { known, missing, isNew };
}

/** The first free places; makes up controllers for what does not fit. `null` = there are not enough. */
export function freeSlots(vm: VmRecord, count: number): readonly FreeSlot[] | null {
  const controllers = scsiControllers(vm).map(({ key, busNumber }) => ({ key, busNumber }));
  for (let bus = 0; bus < MAX_CONTROLLERS; bus += 1) {
    if (controllers.some(({ busNumber }) => busNumber === bus)) continue;
    controllers.push({ key: -(100 + bus), busNumber: bus });
  }
  const free = controllers.flatMap(({ key, busNumber }) => {
    const used = vm.disks.filter(({ controllerKey }) => controllerKey === key);
    const units = Array.from({ length: DISKS_A_CONTROLLER + 1 }, (_none, unit) => unit);
    return units
      .filter(
        (unit) => unit !== RESERVED_UNIT && !used.some(({ unitNumber }) => unitNumber === unit),
      )
      .map((unitNumber) => ({ controllerKey: key, busNumber, unitNumber }));
  });
  return free.length < count ? null : free.slice(0, count);
}
