import type { PowerState } from '../contracts/activities.ts';
import type { AttachedDisk } from '../domain/attached-disks.ts';
import type { AzureNetworkReading, AzureVmFacts } from '../domain/azure-vm.ts';
import type { DiskSourceKind } from '../domain/protected-item.ts';
import type { Secret } from '../domain/secret.ts';

export type PowerAction = 'powerOff' | 'deallocate' | 'start';

/** A SAS URL and when it stops working. */
export interface AccessGrant {
  readonly url: Secret;
  readonly expiresAt: Date;
}

export interface AzureVmDescription {
  /** Azure's unique id of the VM; a VM made anew under the same name has another. */
  readonly vmId: string | null;
  readonly location: string;
  readonly osType: 'Linux' | 'Windows';
  readonly firmware: 'bios' | 'efi';
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly subnetId: string;
  readonly disks: readonly {
    readonly id: string;
    readonly isOsDisk: boolean;
    /** Name of a managed disk, URL of a page blob. */
    readonly diskName: string;
    readonly kind: DiskSourceKind;
    readonly sizeBytes: number;
  }[];
}

/**
 * The VM that runs in Azure. Every call may throw FB-AZ-002 (passing) or FB-AZ-001 (Azure refuses).
 * Calls that start something return as soon as Azure has accepted it.
 */
export interface AzureVirtualMachines {
  describe(resourceGroup: string, vmName: string): Promise<AzureVmDescription | null>;
  /**
   * Facts for preflight. What Azure does not let us read is `null`. A VM that is not in its place is looked for in
   * the whole subscription by the id that was recorded.
   */
  gatherFacts(
    resourceGroup: string,
    vmName: string,
    recordedVmId: string | null,
  ): Promise<AzureVmFacts>;
  /** The network of the VM and its line to the site; `null` when there is no such VM. */
  gatherNetwork(resourceGroup: string, vmName: string): Promise<AzureNetworkReading | null>;
  /** Id of the network in which a VM is; `null` when there is no such VM. */
  virtualNetworkOf(resourceGroup: string, vmName: string): Promise<string | null>;
  powerState(resourceGroup: string, vmName: string): Promise<PowerState>;
  /** What is attached to the VM now; `null` when there is no such VM. */
  attachedDisks(resourceGroup: string, vmName: string): Promise<readonly AttachedDisk[] | null>;
  /** powerOff shuts the guest down gracefully and keeps the host; deallocate gives the host back. */
  beginPowerChange(resourceGroup: string, vmName: string, action: PowerAction): Promise<void>;
  /** Deletes the VM with its network interfaces and, of its managed disks, those that are named; others stay. */
  beginDelete(resourceGroup: string, vmName: string, diskNames: readonly string[]): Promise<void>;
}

export type Consistency = 'crashConsistent' | 'applicationConsistent';

export interface SnapshotRequest {
  readonly resourceGroup: string;
  readonly itemId: string;
  readonly vmName: string;
  /** Names the instant: the same id finds what was taken for it before. */
  readonly pointId: string;
  readonly disks: readonly {
    readonly id: string;
    /** Name of a managed disk, URL of a page blob. */
    readonly diskName: string;
    readonly kind: DiskSourceKind;
  }[];
  readonly consistency: Consistency;
  /** The point stands for itself: all disks at one instant are worth more than a base for the next delta. */
  readonly isOneInstantWanted: boolean;
}

export interface SnapshotsTaken {
  readonly takenAt: Date;
  /** What was got, which may be less than what was asked for. */
  readonly consistency: Consistency;
  /** All disks show the VM at the same instant. */
  readonly isOneInstant: boolean;
  /** Why less was got than was asked for, for people; empty when nothing is missing. */
  readonly reasons: readonly string[];
  /** By disk id: opaque names, understood by this port only. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Bytes that each disk had at that instant, by disk id. A disk of which Azure does not tell is left out. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** Read access to one disk at one instant and, if it may be compared with, to an earlier one. */
export interface SourceAccess {
  readonly kind: DiskSourceKind;
  readonly source: AccessGrant;
  readonly base: AccessGrant | null;
  /** Why a base that was named is withheld; `null` when it is not. */
  readonly baseRefusal: string | null;
}

/** The disks of a VM at one instant: VM restore points, incremental snapshots or blob snapshots. */
export interface DiskSnapshots {
  /**
   * Idempotent by `pointId`. Returns when all of them can be read. FB-AZ-009 when the VM has disks that were not asked
   * for, FB-AZ-010 when it has one of them no more: nothing is taken then.
   */
  take(request: SnapshotRequest): Promise<SnapshotsTaken>;
  /** Ends access to and deletes everything of the item that is not named in `keep`. Idempotent. */
  prune(request: {
    readonly resourceGroup: string;
    readonly itemId: string;
    readonly disks: SnapshotRequest['disks'];
    readonly keep: readonly string[];
  }): Promise<{ readonly deleted: number }>;
  /**
   * `null` when the snapshot does not exist. Five grants of a snapshot family may live at once:
   * FB-AZ-006. A base that is gone or does not belong to the snapshot is withheld with the reason.
   */
  grantRead(
    resourceGroup: string,
    names: { readonly snapshot: string; readonly base: string | null },
  ): Promise<SourceAccess | null>;
  /**
   * Ends read access early, so that it does not count against the five. Never throws: what Azure
   * refuses is logged, and tried again when the snapshots are pruned.
   */
  release(resourceGroup: string, names: readonly string[]): Promise<void>;
}

/** Page blobs that stay in Azure: the target of the way back. */
export interface ReplicaDisks {
  /**
   * Starts the server-side copy of what a disk held at a snapshot of `DiskSnapshots`. A running or finished copy of
   * that very snapshot is kept. The read access that it needs ends when the snapshots are pruned.
   */
  beginSeed(request: {
    readonly resourceGroup: string;
    readonly snapshotName: string;
    readonly replicaName: string;
  }): Promise<void>;
  seedState(replicaName: string): Promise<{
    readonly state: 'pending' | 'done' | 'failed';
    readonly copiedBytes: number;
    readonly totalBytes: number;
    readonly detail: string;
  }>;
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
