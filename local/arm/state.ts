import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type VmPower =
  'running' | 'stopping' | 'stopped' | 'deallocating' | 'deallocated' | 'starting';

export interface DiskReference {
  readonly name: string;
  readonly lun: number | null;
  deleteOption: 'Delete' | 'Detach';
  /** Of an unmanaged disk: the page blob, which is no resource of Resource Manager. */
  readonly vhdUri?: string;
  readonly caching?: 'None' | 'ReadOnly' | 'ReadWrite';
}

/** What the guest can be brought to before a restore point; `none`: it has no working VM agent. */
export type GuestConsistency = 'application' | 'fileSystem' | 'none';

export interface VirtualMachineRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly vmId: string;
  readonly vmSize: string;
  readonly osType: 'Linux' | 'Windows';
  readonly hyperVGeneration: 'V1' | 'V2';
  power: VmPower;
  readonly disks: DiskReference[];
  readonly nics: { readonly id: string; deleteOption: 'Delete' | 'Detach' }[];
  readonly customData: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly securityType: string | null;
  /** Extensions by publisher and type, as `Microsoft.Azure.Security/AzureDiskEncryption`. */
  extensions?: string[];
  /** The OS disk lives on the host and is gone with it. */
  hasEphemeralOsDisk?: boolean;
  /** First byte that the guest's writes may touch; what is before belongs to the boot loader. */
  readonly writableFrom: Readonly<Record<string, number>>;
  guestConsistency?: GuestConsistency;
  /** When restore points were made, by mode, for the limit of three an hour. */
  restorePointTimes?: Record<string, string[]>;
}

export interface AccessRecord {
  readonly sasUrl: string;
  readonly expiresAt: string;
  /** URLs that were granted before this one and are ended with it. */
  readonly earlier?: readonly string[];
}

export interface DiskRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly uniqueId: string;
  sizeBytes: number;
  readonly osType: 'Linux' | 'Windows' | null;
  readonly hyperVGeneration: 'V1' | 'V2';
  isAdeEncrypted: boolean;
  maxShares: number;
  /** Absent: Premium_LRS. */
  sku?: string;
  networkAccessPolicy: string;
  diskAccessId?: string;
  /** Absent: what the SKU has. */
  logicalSectorSize?: number;
  securityType?: string;
  access: AccessRecord | null;
  /** When snapshots were taken, for the limit of seven in five minutes. */
  snapshotTimes: string[];
}

export interface SnapshotRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly diskName: string;
  readonly diskUniqueId: string;
  /** All incremental snapshots of one disk are one family. */
  readonly familyId: string;
  readonly sizeBytes: number;
  /** Snapshot id of the page blob. */
  readonly blobSnapshot: string;
  readonly timeCreated: string;
  tags: Readonly<Record<string, string>>;
  access: AccessRecord | null;
}

export interface RestorePointRecord {
  readonly resourceGroup: string;
  readonly collection: string;
  readonly name: string;
  readonly vmName: string;
  readonly consistencyMode: string;
  readonly timeCreated: string;
  /** Names of the disk restore points; each is kept as a snapshot. */
  readonly diskRestorePoints: readonly {
    readonly name: string;
    readonly diskName: string;
    readonly lun: number | null;
    readonly sizeBytes: number;
    readonly caching: string;
  }[];
}

export interface RestorePointCollectionRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly vmName: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface NicRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly subnetId: string;
  readonly privateIpAddress: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface LockRecord {
  readonly resourceGroup: string;
  readonly name: string;
  readonly level: 'CanNotDelete' | 'ReadOnly';
  /** Absent: the whole group, unless `resource` is there. */
  readonly vmName?: string;
  /** Another resource of the group, as `Compute/disks/data`. */
  readonly resource?: string;
}

/** A resource that is only read, as Resource Manager shows it. */
export interface ResourceRecord {
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface ArmState {
  virtualMachines: VirtualMachineRecord[];
  disks: DiskRecord[];
  snapshots: SnapshotRecord[];
  restorePointCollections: RestorePointCollectionRecord[];
  restorePoints: RestorePointRecord[];
  nics: NicRecord[];
  locks: LockRecord[];
  resources?: ResourceRecord[];
  /** Addresses that machines of a subnet can have; absent = those of a /24. */
  subnetAddresses?: number;
}

const EMPTY: ArmState = {
  virtualMachines: [],
  disks: [],
  snapshots: [],
  restorePointCollections: [],
  restorePoints: [],
  nics: [],
  locks: [],
};

/** All resources, kept in one file that is replaced as a whole. */
export class StateFile {
  readonly state: ArmState;
  readonly #file: string;

  constructor(folder: string) {
    this.#file = join(folder, 'arm.json');
    this.state = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, 'utf8')) as ArmState)
      : structuredClone(EMPTY);
    this.#settle();
  }

  save(): void {
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, JSON.stringify(this.state));
    renameSync(temporary, this.#file);
  }

  /** A stand-in that was stopped in the middle of a power change finds it done. */
  #settle(): void {
    const done: Partial<Record<VmPower, VmPower>> = {
      starting: 'running',
      stopping: 'stopped',
      deallocating: 'deallocated',
    };
    for (const vm of this.state.virtualMachines) vm.power = done[vm.power] ?? vm.power;
  }
}
