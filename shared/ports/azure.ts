import type { PowerState } from '../contracts/activities.ts';
import type { AzureVmFacts } from '../domain/azure-vm.ts';
import type { Secret } from '../domain/secret.ts';

export type PowerAction = 'powerOff' | 'deallocate' | 'start';

/** A SAS URL and when it stops working. */
export interface AccessGrant {
  readonly url: Secret;
  readonly expiresAt: Date;
}

export interface AzureVmDescription {
  readonly location: string;
  readonly osType: 'Linux' | 'Windows';
  readonly firmware: 'bios' | 'efi';
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly subnetId: string;
  readonly disks: readonly {
    readonly id: string;
    readonly isOsDisk: boolean;
    readonly diskName: string;
    readonly sizeBytes: number;
  }[];
}

/**
 * The VM that runs in Azure. Every call may throw FB-AZ-002 (passing) or FB-AZ-001 (Azure refuses).
 * Calls that start something return as soon as Azure has accepted it.
 */
export interface AzureVirtualMachines {
  describe(resourceGroup: string, vmName: string): Promise<AzureVmDescription | null>;
  gatherFacts(resourceGroup: string, vmName: string): Promise<AzureVmFacts>;
  powerState(resourceGroup: string, vmName: string): Promise<PowerState>;
  /** powerOff shuts the guest down gracefully and keeps the host; deallocate gives the host back. */
  beginPowerChange(resourceGroup: string, vmName: string, action: PowerAction): Promise<void>;
  /** Marks disks and network interfaces as deleted with the VM, then deletes the VM. */
  beginDelete(resourceGroup: string, vmName: string): Promise<void>;
}

export interface SnapshotRequest {
  readonly resourceGroup: string;
  readonly itemId: string;
  readonly diskName: string;
  readonly snapshotName: string;
}

/** Incremental snapshots of managed disks, tagged with the item they belong to. */
export interface DiskSnapshots {
  /** Idempotent by name. Returns when the snapshot can be read. */
  take(request: SnapshotRequest): Promise<{ readonly takenAt: Date }>;
  listOfItem(resourceGroup: string, itemId: string): Promise<readonly string[]>;
  /** Revokes access and deletes; a snapshot that is gone already is fine. */
  remove(resourceGroup: string, snapshotName: string): Promise<void>;
  /** `null` when the snapshot does not exist. Five grants a snapshot family may live at once. */
  grantRead(resourceGroup: string, snapshotName: string): Promise<AccessGrant | null>;
}

/** Page blobs that stay in Azure: the target of the way back. */
export interface ReplicaDisks {
  /** Starts the server-side copy of a disk whose VM is deallocated. A running or finished copy is kept. */
  beginSeed(request: {
    readonly resourceGroup: string;
    readonly diskName: string;
    readonly replicaName: string;
  }): Promise<void>;
  seedState(replicaName: string): Promise<{
    readonly state: 'pending' | 'done' | 'failed';
    readonly copiedBytes: number;
    readonly totalBytes: number;
    readonly detail: string;
  }>;
  /** Gives the read access back that the seed needed. */
  endSeed(resourceGroup: string, diskName: string): Promise<void>;
  grantWrite(replicaName: string): Promise<AccessGrant>;
  /** A blob snapshot: a recovery point. Idempotent by `pointId`. */
  seal(replicaName: string, pointId: string): Promise<void>;
}

export interface ProcessServerRequest {
  readonly name: string;
  readonly resourceGroup: string;
  readonly location: string;
  readonly subnetId: string;
}

/** Process servers deployed by us. */
export interface ProcessServerDeployments {
  /** Idempotent by name: network interface with an address of the subnet, then the VM. */
  deploy(request: ProcessServerRequest): Promise<void>;
  remove(resourceGroup: string, name: string): Promise<void>;
}
