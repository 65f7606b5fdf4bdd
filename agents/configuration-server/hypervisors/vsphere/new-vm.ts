import type { DiskShape, VmShape } from '../../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../../shared/errors/failback-error.ts';
import type { VsphereHypervisorConfig } from '../../config.ts';
import { newController, newControllers, newDisk, newNic, setting } from './device-specs.ts';
import type { VmRecord } from './discovery/records.ts';
import {
  diskSetting,
  type FreeSlot,
  freeSlots,
  type NamedDisk,
  type Pairing,
  pairDisks,
  scsiSlot,
  slotOf,
} from './disk-slots.ts';
import { controllerLike, hardwareFor } from './hardware.ts';
import { wantedDisks } from './master-target-disks.ts';
import type { Place, Placement } from './placement.ts';
import type { Seeds } from './seeds.ts';
import type { VimSession } from './vim/session.ts';
import { runTask } from './vim/tasks.ts';
import type { VimObject } from './vim/values.ts';
import type { Vm, VmAccess } from './vm-access.ts';

interface Parts {
  readonly session: VimSession;
  readonly placement: Placement;
  readonly config: VsphereHypervisorConfig;
}

interface Creation {
  readonly shape: VmShape;
  readonly creationKey: string;
  /** The instance UUID that it gets. */
  readonly vmId: string;
  readonly isIsolated: boolean;
  readonly place: Place;
}

/** Setting of a VM that was made for a rehearsal. */
export const ISOLATED = 'azureFailback.isIsolated';

/** A VM without disks, in the form of the Azure VM. */
export async function createVm(parts: Parts, creation: Creation): Promise<void> {
  const { session } = parts;
  const { shape, creationKey, vmId, isIsolated, place } = creation;
  const { folder, pool, host, datastore } = place;
  const specification: VimObject<'VirtualMachineConfigSpec'> = {
    _typeName: 'VirtualMachineConfigSpec',
    name: shape.name,
    instanceUuid: vmId,
    guestId: hardwareFor(shape).guestId,
    annotation: 'Made by azure-failback.',
    files: { _typeName: 'VirtualMachineFileInfo', vmPathName: `[${datastore}]` },
    numCPUs: shape.cpuCount,
    memoryMB: shape.memoryMiB,
    deviceChange: await newDevices(parts, creation),
    extraConfig: [
      setting('azureFailback.creationKey', creationKey),
      setting(ISOLATED, String(isIsolated)),
      setting('disk.EnableUUID', 'TRUE'),
    ],
    firmware: shape.firmware,
  };
  const parameters = { config: specification, pool, host };
  await runTask(session, 'CreateVM_Task', { self: folder, parameters });
}

async function newDevices(
  { placement, config }: Parts,
  { shape, isIsolated, place }: Creation,
): Promise<readonly VimObject[]> {
  const { controller, nic } = hardwareFor(shape);
  const nameOf = (name: string): string => {
    const own = config.networks[name] ?? name;
    return isIsolated ? (config.isolatedNetwork ?? own) : own;
  };
  const networks = await placement.networks(
    shape.networks.map(({ name }) => nameOf(name)),
    place.host,
  );
  const isConnected = !isIsolated || config.isolatedNetwork !== undefined;
  const nics = networks.map((network, index) =>
    newNic({ network, isConnected, temporaryKey: -(200 + index) }, nic),
  );
  const slot = { controllerKey: -100, busNumber: 0, unitNumber: 0 };
  return [newController(slot, controller), ...nics];
}

/**
 * Makes the disks that are missing, and writes down in the VM which disk is which, in one change: a crash leaves both
 * or none. Gives the ids of those that are new and empty. Throws what `pairsOf` throws.
 */
export async function addDisks(
  vms: VmAccess,
  vm: Vm,
  wanted: readonly DiskShape[],
  seeds: Seeds | null,
): Promise<readonly string[]> {
  const { record } = vm;
  const { known, missing, isNew } = pairsOf(record, wanted);
  const names = isNew
    ? known.map(({ diskId, disk }) => setting(diskSetting(diskId), slotOf(record, disk)))
    : [];
  if (names.length === 0 && missing.length === 0) return [];
  const slots = slotsFor(record, missing.length);
  const folder = (record.vmxFile ?? '').replace(/[^/\]]*$/, '');
  const seeded = (await seeds?.copy(missing, folder, vm.ref)) ?? [];
  const added = missing.flatMap(({ id, sizeBytes }, index) => {
    const slot = slots[index];
    if (slot === undefined) return [];
    const place = { file: `${folder}${id}.vmdk`, sizeBytes, slot, temporaryKey: -(index + 1) };
    const disk = newDisk(place, seeded.includes(id));
    return [{ disk, name: setting(diskSetting(id), scsiSlot(slot)) }];
  });
  await vms.reconfigure(vm, {
    deviceChange: [
      ...newControllers(slots, controllerLike(record)),
      ...added.map(({ disk }) => disk),
    ],
    extraConfig: [...names, ...added.map(({ name }) => name)],
  });
  return missing.map(({ id }) => id).filter((id) => !seeded.includes(id));
}

/** The disks of the VM by their names. Throws for those that a failback could not be written to. Changes nothing. */
export function checkDisks(record: VmRecord, wanted: readonly DiskShape[]): readonly NamedDisk[] {
  const { known, missing } = pairsOf(record, wanted);
  slotsFor(record, missing.length);
  const named = record.disks.map((disk) => {
    const diskId = `disk-${slotOf(record, disk).replace(':', '-')}`;
    return known.find((each) => each.disk === disk) ?? { diskId, disk };
  });
  wantedDisks(record.name, named);
  return named;
}

/**
 * Throws FB-SITE-006 for a disk of another size, FB-VSPHERE-019 where it cannot be told which disk is which, and
 * FB-VSPHERE-020 for a disk that was named and is not there.
 */
function pairsOf(record: VmRecord, wanted: readonly DiskShape[]): Pairing {
  const pairing = pairDisks(record, wanted);
  const { name: vmName } = record;
  const there = record.disks
    .map((disk) => `${slotOf(record, disk)} (${disk.sizeBytes} bytes, ${disk.uuid ?? 'no UUID'})`)
    .join(', ');
  const [lost] = pairing.unfound;
  if (lost !== undefined) {
    const values = { vmName, diskId: lost.id, wanted: lost.onPremisesDisk ?? '', there };
    throw new FailbackError('FB-VSPHERE-020', values);
  }
  if (pairing.ambiguous.length > 0) {
    const diskIds = pairing.ambiguous.map(({ id }) => id).join(', ');
    throw new FailbackError('FB-VSPHERE-019', { vmName, diskIds, there });
  }
  for (const { diskId, disk } of pairing.known) {
    const neededBytes = wanted.find(({ id }) => id === diskId)?.sizeBytes;
    const actualBytes = disk.sizeBytes;
    if (neededBytes === undefined || neededBytes === actualBytes) continue;
    throw new FailbackError('FB-SITE-006', { diskId, vmName, actualBytes, neededBytes });
  }
  return pairing;
}

function slotsFor(record: VmRecord, needed: number): readonly FreeSlot[] {
  const slots = freeSlots(record, needed);
  if (slots !== null) return slots;
  throw new FailbackError('FB-VSPHERE-017', { vmName: record.name, needed });
}
