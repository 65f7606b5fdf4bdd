import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import type { HypervisorVm } from '../../shared/ports/hypervisor.ts';
import type { ReplicationRecord } from './database.ts';
import type { SiteParts } from './handlers.ts';

/**
 * Original location when the VM still exists, else a new VM. Written down before anything is changed,
 * so that a repetition after a crash takes the same decision.
 */
export async function prepareTarget(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  input: CommandInput<'prepareTarget'>,
): Promise<CommandOutput<'prepareTarget'>> {
  const { replicationId, vm: shape } = input;
  const known = database.findReplication(replicationId);
  const record = known ?? (await plan({ hypervisor, database }, input));
  const { vmId } = record;
  await hypervisor.powerOff(vmId, true);
  const fresh = await hypervisor.ensureDisks(vmId, shape.disks);
  const blankDiskIds = [...new Set([...record.blankDiskIds, ...fresh])];
  database.putReplication({ ...record, vm: shape, blankDiskIds });
  const devices = await hypervisor.attachToMasterTarget(vmId);
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

async function plan(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  { replicationId, vm: shape, isRehearsal }: CommandInput<'prepareTarget'>,
): Promise<ReplicationRecord> {
  // A rehearsal must never find, and so never touch, the real VM.
  const name = isRehearsal ? `${shape.name}-rehearsal` : shape.name;
  const original = isRehearsal ? null : await hypervisor.findVm({ name });
  const vmId =
    original?.vmId ?? (await hypervisor.createVm({ ...shape, name }, replicationId, isRehearsal));
  const record: ReplicationRecord = {
    replicationId,
    vmId,
    vm: shape,
    location: original === null ? 'alternate' : 'original',
    wasRunning: wasRunning(original),
    isRehearsal,
    blankDiskIds: [],
  };
  database.putReplication(record);
  return record;
}

function wasRunning(vm: HypervisorVm | null): boolean {
  return vm?.powerState === 'on';
}

/** A VM that we made is deleted; the original one gets its disks back, at their last sealed point. */
export async function restoreTarget(
  { hypervisor, database }: Pick<SiteParts, 'hypervisor' | 'database'>,
  { replicationId, startVm }: CommandInput<'restoreTarget'>,
): Promise<CommandOutput<'restoreTarget'>> {
  const record = database.findReplication(replicationId);
  if (record === null) return { deletedVm: false, startedVm: false };
  const vm = await hypervisor.findVm({ vmId: record.vmId, name: record.vm.name });
  if (vm === null) {
    database.deleteReplication(replicationId);
    return { deletedVm: false, startedVm: false };
  }
  await hypervisor.powerOff(vm.vmId, false);
  await hypervisor.attachToVm(vm.vmId);
  const deletedVm = record.location === 'alternate';
  if (deletedVm) await hypervisor.deleteVm(vm.vmId);
  const startedVm = !deletedVm && startVm && record.wasRunning;
  if (startedVm) await hypervisor.powerOn(vm.vmId);
  database.deleteReplication(replicationId);
  return { deletedVm, startedVm };
}
