import { ArmError, notFound } from './arm-error.ts';
import type { DiskBlobs } from './disk-blobs.ts';
import type { Operations } from './operations.ts';
import type { ArmState, DiskRecord, VirtualMachineRecord } from './state.ts';

export interface ApplianceRequest {
  readonly vmName: string;
  /** Folder that stands for `/` of the VM. */
  readonly rootFolder: string;
  /** Paths that cloud-init wrote, as the VM sees them. */
  readonly files: readonly string[];
  readonly privateIpAddress: string;
}

export type BootAppliance = (request: ApplianceRequest) => Promise<{ stop(): Promise<void> }>;

/** What all resource handlers share. */
export interface ArmContext {
  readonly subscriptionId: string;
  readonly state: ArmState;
  readonly blobs: DiskBlobs;
  readonly operations: Operations;
  readonly now: () => Date;
  save(): void;
  /** Starts or stops what a VM does while it runs. */
  powerChanged(vm: VirtualMachineRecord, isGraceful: boolean): Promise<void>;
  /** Runs `work` between two writes of the guest: it sees all disks at one instant. */
  holdWrites<T>(vm: VirtualMachineRecord, work: () => Promise<T>): Promise<T>;
}

export const LOCATION = 'lab';

export function groupId(context: ArmContext, group: string): string {
  return `/subscriptions/${context.subscriptionId}/resourceGroups/${group}`;
}

export function resourceId(
  context: ArmContext,
  group: string,
  type: string,
  resourceName: string,
): string {
  return `${groupId(context, group)}/providers/Microsoft.${type}/${resourceName}`;
}

interface Named {
  readonly resourceGroup: string;
  readonly name: string;
}

/** Names in ARM are case-insensitive. */
export function same(record: Named, group: string, recordName: string): boolean {
  const fold = (text: string): string => text.toLowerCase();
  return fold(record.resourceGroup) === fold(group) && fold(record.name) === fold(recordName);
}

export function findVm(context: ArmContext, group: string, vmName: string): VirtualMachineRecord {
  const found = context.state.virtualMachines.find((vm) => same(vm, group, vmName));
  if (found === undefined) throw notFound('Microsoft.Compute/virtualMachines', vmName);
  return found;
}

export function findDisk(context: ArmContext, group: string, diskName: string): DiskRecord {
  const found = context.state.disks.find((disk) => same(disk, group, diskName));
  if (found === undefined) throw notFound('Microsoft.Compute/disks', diskName);
  return found;
}

export function ownerOf(context: ArmContext, disk: DiskRecord): VirtualMachineRecord | undefined {
  return context.state.virtualMachines.find(
    (vm) =>
      vm.resourceGroup.toLowerCase() === disk.resourceGroup.toLowerCase() &&
      vm.disks.some(({ name }) => name === disk.name),
  );
}

/** ReadOnly blocks every change, CanNotDelete only deletes; both with Azure's code. */
export function assertNotLocked(
  context: ArmContext,
  group: string,
  kind: 'change' | 'delete',
  vmName?: string,
): void {
  const lock = context.state.locks.find(
    (each) =>
      each.resourceGroup.toLowerCase() === group.toLowerCase() &&
      each.resource === undefined &&
      (each.vmName === undefined || each.vmName === vmName) &&
      (kind === 'delete' || each.level === 'ReadOnly'),
  );
  if (lock === undefined) return;
  const text = `The scope '${group}' cannot perform the operation because of the lock ${lock.name}.`;
  throw new ArmError(409, 'ScopeLocked', text);
}

/** Members of an untyped body; what is missing is undefined. */
export function member(value: unknown, ...path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : undefined;
}
