/** What discovery knows of each object. `id` is the server's own name of it; all sizes are in bytes. */
export interface NamedRecord {
  readonly name: string;
  /** The object above it in the inventory. */
  readonly parentId: string | null;
}

export type DatacenterRecord = NamedRecord & {
  /** Where VMs of the datacenter are put when nothing else is said. */
  readonly vmFolderId: string | null;
};

export type FolderRecord = NamedRecord;

export interface ComputeRecord extends NamedRecord {
  readonly resourcePoolId: string | null;
  readonly hostIds: readonly string[];
  readonly datastoreIds: readonly string[];
  readonly networkIds: readonly string[];
}

export interface HostRecord extends NamedRecord {
  /** As `VMware ESXi 8.0.3 build-24022510`. */
  readonly product: string | null;
  readonly version: string | null;
  readonly build: string | null;
  readonly isConnected: boolean;
  readonly isInMaintenance: boolean;
  readonly datastoreIds: readonly string[];
  readonly networkIds: readonly string[];
}

export interface DatastoreRecord extends NamedRecord {
  /** `VMFS`, `NFS`, `NFS41`, `vsan`, `VVOL` or what else the server calls it. */
  readonly type: string;
  readonly url: string | null;
  readonly capacityBytes: number | null;
  readonly freeBytes: number | null;
  readonly isAccessible: boolean;
  readonly mounts: readonly {
    readonly hostId: string;
    readonly isAccessible: boolean;
    readonly isWritable: boolean;
  }[];
}

export interface NetworkRecord extends NamedRecord {
  /** Of a distributed port group; `null` for a network of standard switches. */
  readonly portgroupKey: string | null;
  readonly switchId: string | null;
}

export interface DiskRecord {
  readonly key: number;
  readonly label: string;
  readonly sizeBytes: number;
  readonly controllerKey: number | null;
  readonly unitNumber: number | null;
  /** As the server writes it, `6000C29x-…`. */
  readonly uuid: string | null;
  readonly backing: 'flat' | 'sparse' | 'rdmVirtual' | 'rdmPhysical' | 'other';
  /** `[datastore] folder/name.vmdk`. */
  readonly file: string | null;
  readonly datastoreId: string | null;
  readonly mode: string | null;
  readonly isThin: boolean | null;
  /** Object of vSAN or of a vVol behind it; `null` for a file. */
  readonly objectId: string | null;
  /** True while it stands on a snapshot. */
  readonly hasParent: boolean;
  /** True when several VMs may write to it. */
  readonly isShared: boolean;
}

export interface ControllerRecord {
  readonly key: number;
  /** As `ParaVirtualSCSIController`. */
  readonly type: string;
  readonly busNumber: number;
}

export interface NicRecord {
  readonly key: number;
  readonly type: string;
  readonly macAddress: string;
  readonly networkId: string | null;
  readonly portgroupKey: string | null;
  readonly isConnected: boolean;
}

export interface SnapshotRecord {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly isQuiesced: boolean;
  readonly parentId: string | null;
}

export interface VmRecord extends NamedRecord {
  readonly instanceUuid: string | null;
  /** Of its BIOS: what the guest sees. */
  readonly biosUuid: string | null;
  readonly isTemplate: boolean;
  /** `null` = the server did not say. */
  readonly firmware: 'bios' | 'efi' | null;
  readonly guestId: string | null;
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly isChangeTracked: boolean;
  readonly vmxFile: string | null;
  /** `unknown` = the server did not say, so that it may well run. */
  readonly powerState: 'on' | 'off' | 'suspended' | 'unknown';
  /**
   * `hostAway`: it is as it was when its host was last heard. `unreadable`: its files or its registration cannot be
   * read; the server then shows no configuration and finds it by no UUID.
   */
  readonly connection: 'connected' | 'hostAway' | 'unreadable';
  readonly startedAt: string | null;
  readonly hostId: string | null;
  readonly resourcePoolId: string | null;
  readonly datastoreIds: readonly string[];
  readonly disks: readonly DiskRecord[];
  readonly controllers: readonly ControllerRecord[];
  readonly nics: readonly NicRecord[];
  /** Every place on a controller where a device of whatever kind sits. */
  readonly takenPlaces: readonly { readonly controllerKey: number; readonly unitNumber: number }[];
  readonly snapshots: readonly SnapshotRecord[];
  readonly toolsState: 'running' | 'notRunning' | 'unknown';
  readonly heartbeat: string;
  readonly hostName: string | null;
  readonly addresses: readonly {
    readonly macAddress: string;
    readonly ipAddresses: readonly string[];
  }[];
  /** Settings of the VM that are ours or that matter to us. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface RecordByKind {
  readonly datacenter: DatacenterRecord;
  readonly folder: FolderRecord;
  readonly compute: ComputeRecord;
  readonly host: HostRecord;
  readonly datastore: DatastoreRecord;
  readonly network: NetworkRecord;
  readonly vm: VmRecord;
}
export type InventoryKind = keyof RecordByKind;
