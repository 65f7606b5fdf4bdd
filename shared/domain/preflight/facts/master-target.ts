import type { OsType } from '../../protected-item.ts';
import type { Known, Lab } from './known.ts';

/** What has to be done to a Linux master target before it can hold disks of other machines. */
export interface LinuxPreparation {
  readonly kind: 'linux';
  readonly missingPackages: Known<readonly string[]>;
  /** How often the script with the custom changes was run; once is right, twice breaks the set-up. */
  readonly customChangesCount: Known<number>;
  readonly isRestartedSince: Known<boolean>;
  /** Its disks show their UUIDs to the guest. */
  readonly hasDiskUuids: Known<boolean>;
}

export interface VsphereMachine {
  readonly kind: 'vsphere';
  readonly hostId: Known<string>;
  readonly biosUuid: Known<string>;
  readonly snapshotCount: Known<number>;
  /** Value of the advanced setting `disk.EnableUUID` as it stands in the VM, `''` when it is not set. */
  readonly diskEnableUuid: Known<string>;
  readonly hasVmwareTools: Known<boolean>;
  /** Its own files do. */
  readonly isOnVsan: Known<boolean>;
  /** Names of the datastores that the VM's host has mounted for reading and writing. */
  readonly visibleDatastores: Known<readonly string[]>;
  readonly preparation: { readonly kind: 'windows' } | LinuxPreparation;
}

export interface MasterTargetSection {
  readonly version: string;
  readonly osType: OsType;
  readonly retentionFreeBytes: number;
  readonly isRetentionWritable: boolean;
  /** The retention volume is a file system of its own. */
  readonly isRetentionSeparateVolume: Known<boolean>;
  /** Disks of other failbacks that it holds now. */
  readonly attachedDiskCount: number;
  readonly clockSkewSeconds: Known<number>;
  /** The VM it runs in; in the lab it is a program that opens files. */
  readonly machine: Known<VsphereMachine | { readonly kind: 'hyperv' } | Lab>;
}
