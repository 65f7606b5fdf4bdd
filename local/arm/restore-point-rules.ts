import { ArmError } from './arm-error.ts';
import { type ArmContext, findDisk } from './context.ts';
import type { VirtualMachineRecord } from './state.ts';

const MAX_PER_VM = 500;
const MAX_PER_HOUR = 3;
const HOUR_MS = 3_600_000;
const NO_CRASH_CONSISTENCY: readonly string[] = ['UltraSSD_LRS', 'PremiumV2_LRS'];

/** What Azure refuses, with the codes and texts it documents. Counts the attempt that is let through. */
export function assertRestorePointAllowed(
  context: ArmContext,
  vm: VirtualMachineRecord,
  isCrash: boolean,
): void {
  assertSupported(context, vm, isCrash);
  assertHourlyLimit(context, vm, isCrash ? 'CrashConsistent' : 'ApplicationConsistent');
  const ofVm = context.state.restorePoints.filter(({ vmName }) => vmName === vm.name);
  if (ofVm.length < MAX_PER_VM) return;
  throw refused(
    'Restore Point creation failed as the maximum allowed snapshot limit of one or more disk blobs has been reached. Please delete some existing restore points of this VM and then retry.',
  );
}

function assertSupported(context: ArmContext, vm: VirtualMachineRecord, isCrash: boolean): void {
  if (vm.disks.some(({ vhdUri }) => vhdUri !== undefined)) {
    throw refused(
      'Creation of Restore Point of a Virtual Machine with unmanaged disks is not supported.',
    );
  }
  if (vm.securityType === 'ConfidentialVM') {
    throw refused('Creation of Restore Point of a confidential Virtual Machine is not supported.');
  }
  const disks = vm.disks.map((disk) => findDisk(context, vm.resourceGroup, disk.name));
  if (disks.some(({ maxShares }) => maxShares > 1)) {
    throw refused(
      'Creation of Restore Point of a Virtual Machine with Shared disks is not supported. You may exclude this disk from the restore point via excludeDisks property.',
    );
  }
  const unfit = disks.find(({ sku = '' }) => NO_CRASH_CONSISTENCY.includes(sku));
  if (isCrash && unfit !== undefined) {
    throw refused(`Crash consistent Restore Point is not supported for disks of ${unfit.sku}.`);
  }
}

function assertHourlyLimit(context: ArmContext, vm: VirtualMachineRecord, mode: string): void {
  const nowMs = context.now().getTime();
  const times = (vm.restorePointTimes?.[mode] ?? []).filter(
    (time) => nowMs - Date.parse(time) < HOUR_MS,
  );
  const [oldest] = times;
  if (times.length >= MAX_PER_HOUR && oldest !== undefined) {
    const waitSeconds = Math.ceil((Date.parse(oldest) + HOUR_MS - nowMs) / 1000);
    const reason = `At most ${MAX_PER_HOUR} restore points of a VM in an hour.`;
    throw new ArmError(429, 'TooManyRequests', reason, waitSeconds);
  }
  times.push(context.now().toISOString());
  vm.restorePointTimes = { ...vm.restorePointTimes, [mode]: times };
  context.save();
}

/** What the guest lets Azure reach. Without a VM agent that runs there is no restore point of this mode. */
export function consistencyOf(vm: VirtualMachineRecord, isCrash: boolean): string {
  if (isCrash) return 'CrashConsistent';
  const { guestConsistency = 'fileSystem', power } = vm;
  if (guestConsistency === 'none' || power !== 'running') {
    const reason = 'VM has not reported status for VM agent or extensions.';
    throw new ArmError(409, 'VMAgentStatusCommunicationError', reason);
  }
  return guestConsistency === 'application' ? 'ApplicationConsistent' : 'FileSystemConsistent';
}

function refused(reason: string): ArmError {
  return new ArmError(409, 'VMRestorePointClientError', reason);
}
