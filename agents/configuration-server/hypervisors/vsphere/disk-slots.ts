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
  /** Those that may be one or another of several disks of their size. */
  readonly ambiguous: readonly DiskShape[];
  /** Those for which a disk was named that the VM does not have. */
  readonly unfound: readonly DiskShape[];
  /** True when the names are not written down in the VM yet. */
  readonly isNew: boolean;
}

/**
 * Pairs the disks of the failback with those of the VM: by what is written down; else by what the operator said, the
 * OS disk with the first one, and each other with the only one of its size, because LUNs may have gaps and disks may
 * have been left out. Of several of one size nobody can say which is which: nothing is guessed, because a wrong one
 * would be overwritten. Where one is left that fits by order only, the pair has two sizes, which the caller finds.
 */
export function pairDisks(vm: VmRecord, wanted: readonly DiskShape[]): Pairing {
  const isNew = !Object.keys(vm.settings).some((key) => key.startsWith(DISK_SETTING));
  const none = { ambiguous: [], unfound: [] };
  if (!isNew) {
    const named = nameDisks(vm);
    const known = named.filter(({ diskId }) => wanted.some(({ id }) => id === diskId));
    const missing = wanted.filter(({ id }) => !known.some(({ diskId }) => diskId === id));
    return { known, missing, ...none, isNew };
  }
  if (vm.disks.length === 0) return { known: [], missing: wanted, ...none, isNew };
  return { ...guessPairs(vm, wanted), isNew };
}

function guessPairs(vm: VmRecord, wanted: readonly DiskShape[]): Omit<Pairing, 'isNew'> {
  const left = [...ordered(vm)];
  const known: NamedDisk[] = [];
  const take = ({ id }: DiskShape, index: number): boolean => {
    const [disk] = index === -1 ? [] : left.splice(index, 1);
    if (disk !== undefined) known.push({ diskId: id, disk });
    return disk !== undefined;
  };
  const said = wanted.filter(({ onPremisesDisk }) => onPremisesDisk !== undefined);
  const unfound = said.filter(
    (shape) =>
      !take(
        shape,
        left.findIndex((disk) => isNamed(vm, disk, shape.onPremisesDisk ?? '')),
      ),
  );
  const others = wanted.filter((shape) => !said.includes(shape));
  const missing = others.filter((shape) => shape.isOsDisk && !take(shape, 0));
  const data = others.filter(({ isOsDisk }) => !isOsDisk);
  const ofSize = (all: readonly { sizeBytes: number }[], { sizeBytes }: DiskShape): number =>
    all.filter((each) => each.sizeBytes === sizeBytes).length;
  const fitting = data.filter((shape) => ofSize(left, shape) > 0);
  const ambiguous = fitting.filter(
    (shape) => ofSize(left, shape) > 1 || ofSize(fitting, shape) > 1,
  );
  for (const shape of fitting) {
    if (ambiguous.includes(shape)) continue;
    take(
      shape,
      left.findIndex(({ sizeBytes }) => sizeBytes === shape.sizeBytes),
    );
  }
  const unlike = data.filter((shape) => !fitting.includes(shape));
  missing.push(...unlike.filter((shape) => !take(shape, 0)));
  return { known, missing, ambiguous, unfound };
}

/** By its place, or by its UUID however it is written. */
function isNamed(vm: VmRecord, disk: DiskRecord, text: string): boolean {
  return slotOf(vm, disk) === text.toLowerCase() || sameUuid(disk.uuid, text);
}

/** VMware writes UUIDs of disks in capitals or not, with hyphens, spaces or neither. */
export function sameUuid(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return false;
  const bare = (uuid: string): string => uuid.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
  return bare(one) !== '' && bare(one) === bare(other);
}

/** Free places for disks of the VM itself; makes up controllers for what does not fit. `null` = there are not enough. */
export function freeSlots(vm: VmRecord, count: number): readonly FreeSlot[] | null {
  return firstFree(vm, [...scsiControllers(vm), ...newBuses(vm)], count);
}

/**
 * Free places for disks that come and go while the VM runs: on paravirtual controllers, also such as are made for it,
 * else on LSI SAS. With the older ones a guest does not notice that a disk has gone, and takes the next for it.
 */
export function hotAddSlots(vm: VmRecord, count: number): readonly FreeSlot[] | null {
  const ofType = (wanted: string): readonly Bus[] =>
    scsiControllers(vm).filter(({ type }) => type === wanted);
  const buses = [
    ...ofType('ParaVirtualSCSIController'),
    ...newBuses(vm),
    ...ofType('VirtualLsiLogicSASController'),
  ];
  return firstFree(vm, buses, count);
}

type Bus = Pick<VmRecord['controllers'][number], 'key' | 'busNumber'>;

function newBuses(vm: VmRecord): readonly Bus[] {
  const used = scsiControllers(vm).map(({ busNumber }) => busNumber);
  return Array.from({ length: MAX_CONTROLLERS }, (_none, busNumber) => busNumber)
    .filter((busNumber) => !used.includes(busNumber))
    .map((busNumber) => ({ key: -(100 + busNumber), busNumber }));
}

function firstFree(
  { takenPlaces }: VmRecord,
  buses: readonly Bus[],
  count: number,
): readonly FreeSlot[] | null {
  const free = buses.flatMap(({ key, busNumber }) => {
    const taken = takenPlaces.filter(({ controllerKey }) => controllerKey === key);
    const units = Array.from({ length: DISKS_A_CONTROLLER + 1 }, (_none, unit) => unit);
    return units
      .filter(
        (unit) => unit !== RESERVED_UNIT && !taken.some(({ unitNumber }) => unitNumber === unit),
      )
      .map((unitNumber) => ({ controllerKey: key, busNumber, unitNumber }));
  });
  return free.length < count ? null : free.slice(0, count);
}
