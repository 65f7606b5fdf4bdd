import type { Origin, OsType } from '../protected-item.ts';

/** A fact that could not be found out is `null`; no rule passes on `null`. */
export type Known<T> = T | null;

export interface AzureDiskFacts {
  readonly id: string;
  readonly diskName: string;
  readonly sizeBytes: number;
  readonly isAdeEncrypted: Known<boolean>;
  readonly isShared: Known<boolean>;
  readonly isEphemeral: Known<boolean>;
  readonly networkAccessPolicy: Known<string>;
}

export interface PreflightFacts {
  readonly origin: Origin;
  readonly osType: OsType;
  readonly azureVm: Known<{
    readonly exists: boolean;
    readonly powerState: string;
    readonly isConfidential: Known<boolean>;
    readonly locks: Known<readonly string[]>;
    readonly disks: readonly AzureDiskFacts[];
  }>;
  readonly site: Known<{
    readonly hypervisor: 'local' | 'vsphere' | 'hyperv';
    readonly isConnected: boolean;
    readonly targetSnapshotCount: Known<number>;
    readonly freeBytes: Known<number>;
    /** True when the original VM with its disks is still there, so that no new space is needed. */
    readonly hasOriginalVm: boolean;
  }>;
  readonly masterTarget: Known<{
    readonly version: string;
    readonly osType: OsType;
    readonly retentionFreeBytes: number;
    readonly isRetentionWritable: boolean;
    readonly attachedDiskCount: number;
  }>;
}
