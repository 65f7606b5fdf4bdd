import type { CommandInput, CommandOutput, VmShape } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { AttachedDisk, Hypervisor, HypervisorVm } from '../../shared/ports/hypervisor.ts';
import type { PlannedReplication } from './database.ts';
import type { SiteParts } from './handlers.ts';
import { findOriginalVm } from './original-vm.ts';

/** Giving up a failback neither deletes such a VM nor brings another one into its place. */
const PRODUCTION = {
  location: 'original',
  isToBeRegistered: undefined,
  unregisteredVmId: undefined,
} as const;

/**
 * Original location when the VM still exists, also outside of the inventory, else a new VM. Written down before
 * anything is changed or made, so that a repetition of the command after a crash takes the same decision. A VM that
 * runs is not stopped for a failback that its disks do not allow.
 */
export async function prepareTarget(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  input: CommandInput<'prepareTarget'>,
  commandId: string,
): Promise<CommandOutput<'prepareTarget'>> {
  const { replicationId, vm: shape } = input;
  const left = await leftBehind({ hypervisor, database }, input, commandId);
  const { masterTarget } = input;
  const record: PlannedReplication = {
    ...(left ?? (await plan({ hypervisor, database }, input))),
    // What an earlier attempt left behind may have had another one.
    masterTarget,
    preparedBy: commandId,
  };
  if (record.unregisteredVmId !== undefined) {
    await hypervisor.unregisterVm(record.unregisteredVmId);
  }
  if (record.isToBeRegistered === true && record.vmId !== null) {
    await hypervisor.registerVm(record.vmId, masterTarget);
  }
  const vmId = record.vmId ?? (await ownVm(hypervisor, record));
  database.putReplication({ ...record, vmId });
  if (!input.isRehearsal) database.rememberItem(replicationId);
  await hypervisor.checkDisks(vmId, shape.disks);
  await hypervisor.powerOff(vmId, true);
  const seedVmId = record.isRehearsal ? await seedOf(hypervisor, input) : undefined;
  const fresh = await hypervisor.ensureDisks(vmId, shape.disks, seedVmId);
  const blankDiskIds = [...new Set([...record.blankDiskIds, ...fresh])];
  database.putReplication({ ...record, vmId, vm: shape, blankDiskIds });
  const devices = ofShape(await hypervisor.attachToMasterTarget(vmId, masterTarget), shape);
  return {
    vmId,
    location: record.location,
    wasRunning: record.wasRunning,
    disks: devices.map(({ diskId, device }) => ({
      diskId,
      device,
      isBlank: blankDiskIds.includes(diskId),
    })),
  };
}

/**
 * Disks grew in Azure. Noted once the disks at home are as large: cut off before that, the repetition finds them so. They
 * go back to the master target also when nothing is left to grow.
 */
export async function growDisks(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  { replicationId, disks }: CommandInput<'growDisks'>,
): Promise<CommandOutput<'growDisks'>> {
  const record = database.replication(replicationId);
  const { vmId, masterTarget, blankDiskIds } = record;
  const shapes = record.vm.disks.map((shape) => {
    const { sizeBytes = shape.sizeBytes } = disks.find(({ diskId }) => diskId === shape.id) ?? {};
    return { ...shape, sizeBytes };
  });
  const vm = { ...record.vm, disks: shapes };
  await hypervisor.growDisks(vmId, shapes);
  database.putReplication({ ...record, vm });
  const attached = ofShape(await hypervisor.attachToMasterTarget(vmId, masterTarget), vm);
  return {
    disks: attached.map(({ diskId, device }) => ({
      diskId,
      device,
      sizeBytes: shapes.find(({ id }) => id === diskId)?.sizeBytes ?? 0,
      isBlank: blankDiskIds.includes(diskId),
    })),
  };
}

/**
 * What is known of the replication already. Of another command only the VM is taken over: its disks may hold
 * anything by now, and were they called blank, what the source has as zeros would keep those bytes.
 */
async function leftBehind(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  { replicationId, vm: shape, isRehearsal }: CommandInput<'prepareTarget'>,
  commandId: string,
): Promise<PlannedReplication | null> {
  const known = database.findReplication(replicationId);
  if (known === null || known.preparedBy === commandId) return known;
  // The item stands for another machine now: the VM of the one before is none of its business.
  if (known.vm.name !== shape.name) return null;
  const left = { ...known, blankDiskIds: [] };
  if (known.vmId === null) return left;
  const vm = await hypervisor.findVm({ vmId: known.vmId, name: shape.name });
  // The original VM that made room still has to come back.
  if (vm === null) return known.unregisteredVmId === undefined ? null : { ...left, vmId: null };
  // Whoever gives up a VM of ours stops it first: one that runs is somebody's production by now.
  const isInUse = vm.powerState === 'on' && !isRehearsal;
  return isInUse ? { ...left, ...PRODUCTION, wasRunning: true } : left;
}

/**
 * Called once the failback is committed: the VM, also one that we made, is the production VM from now on. Whatever
 * is given up later must not delete it, and its disks are not blank any more.
 */
export function acceptTarget(
  { database }: Pick<SiteParts, 'database'>,
  replicationId: string,
): void {
  const record = database.findReplication(replicationId);
  if (record === null) return;
  database.putReplication({ ...record, ...PRODUCTION, wasRunning: false, blankDiskIds: [] });
}

async function plan(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  input: CommandInput<'prepareTarget'>,
): Promise<PlannedReplication> {
  const { replicationId, vm, isRehearsal, masterTarget, datastore } = input;
  const { original, ...use } = await useOfOriginal(hypervisor, input);
  const record: PlannedReplication = {
    replicationId,
    vmId: original?.vmId ?? null,
    vm,
    location: original === null ? 'alternate' : 'original',
    wasRunning: original?.powerState === 'on',
    isRehearsal,
    masterTarget,
    datastore,
    ...use,
    blankDiskIds: [],
  };
  // Before createVm: a repetition would find the VM that we made, and take it for the original one.
  database.putReplication(record);
  return record;
}

/** `original` is the target; `null` = a new VM is. Throws FB-SITE-010 when one is to leave the inventory and runs. */
async function useOfOriginal(
  hypervisor: Hypervisor,
  { vm: { name }, isRehearsal, targetVmId, originalVm }: CommandInput<'prepareTarget'>,
): Promise<
  Pick<PlannedReplication, 'isToBeRegistered' | 'unregisteredVmId'> & {
    readonly original: HypervisorVm | null;
  }
> {
  // A rehearsal must never take, and so never change, the real VM.
  const found = isRehearsal ? null : await findOriginalVm(hypervisor, name, targetVmId);
  if (found === null) return { original: null };
  const { vm, isRegistered } = found;
  if (originalVm !== 'unregister') return { original: vm, isToBeRegistered: !isRegistered };
  if (vm.powerState === 'on') throw new FailbackError('FB-SITE-010', { vmName: name });
  return { original: null, ...(isRegistered ? { unregisteredVmId: vm.vmId } : {}) };
}

/**
 * The real VM, whose disks hold most of what a rehearsal needs: only what differs from their copies travels. It is
 * read and nothing else; one that runs, or is part of a failback, is left alone.
 */
async function seedOf(
  hypervisor: Hypervisor,
  { vm: { name }, targetVmId: vmId }: CommandInput<'prepareTarget'>,
): Promise<string | undefined> {
  const vm = await hypervisor.findVm(vmId === undefined ? { name } : { vmId, name });
  const isAtRest = vm?.powerState === 'off' && vm.disksAt === 'vm' && vm.snapshotCount === 0;
  return isAtRest ? vm.vmId : undefined;
}

/** A VM may have disks that take no part in the failback; they only follow the others around. */
export function ofShape(
  disks: readonly AttachedDisk[],
  { disks: wanted }: VmShape,
): AttachedDisk[] {
  return disks.filter(({ diskId }) => wanted.some(({ id }) => id === diskId));
}

export function rehearsalName(vmName: string): string {
  return `${vmName}-rehearsal`;
}

/** The VM that we make for a replication; the same one whenever it is asked for. */
async function ownVm(
  hypervisor: Hypervisor,
  { replicationId, vm, isRehearsal, masterTarget, datastore }: PlannedReplication,
): Promise<string> {
  const name = isRehearsal ? rehearsalName(vm.name) : vm.name;
  const place = { masterTarget, datastore };
  return hypervisor.createVm({ ...vm, name }, replicationId, isRehearsal, place);
}

/**
 * A VM that we made is deleted, and the one that made room for it is put back; the original one gets its disks back, at
 * their last sealed point.
 */
export async function restoreTarget(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  { replicationId, startVm }: CommandInput<'restoreTarget'>,
): Promise<CommandOutput<'restoreTarget'>> {
  const record = database.findReplication(replicationId);
  if (record === null) return { deletedVm: false, startedVm: false };
  // Cut off around createVm: only createVm itself can tell which VM of ours that was.
  const vmId = record.vmId ?? (await ownVm(hypervisor, record));
  const vm = await hypervisor.findVm({ vmId, name: record.vm.name });
  if (vm === null) {
    await putBack(hypervisor, record);
    database.deleteReplication(replicationId);
    return { deletedVm: false, startedVm: false };
  }
  await hypervisor.powerOff(vm.vmId, false);
  await hypervisor.attachToVm(vm.vmId);
  const deletedVm = record.location === 'alternate';
  if (deletedVm) await hypervisor.deleteVm(vm.vmId);
  await putBack(hypervisor, record);
  const startedVm = !deletedVm && startVm && record.wasRunning;
  if (startedVm) await hypervisor.powerOn(vm.vmId);
  database.deleteReplication(replicationId);
  return { deletedVm, startedVm };
}

/** Last of all, because of its name. */
async function putBack(
  hypervisor: Hypervisor,
  { unregisteredVmId, masterTarget }: PlannedReplication,
): Promise<void> {
  if (unregisteredVmId !== undefined) await hypervisor.registerVm(unregisteredVmId, masterTarget);
}
