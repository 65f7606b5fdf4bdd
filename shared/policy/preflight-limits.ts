const TIB = 1024 ** 4;
/** Decimal, as sizes of machines are sold: what firmware keeps for itself must not make one too small. */
const GB = 1e9;

/** A VM's disks must fit on one master target: 4 controllers × 15 disks. */
export const MAX_DISKS_PER_VM = 60;

/** A page blob ends here, and the replica of the way back is one. VMFS (62 TiB) and VHDX (64 TB) would take more. */
export const MAX_DISK_BYTES = 8 * TIB;

/** Recovery points are ordered by time, and certificates begin and end: a minute apart is worth a word. */
export const MAX_CLOCK_SKEW_SECONDS = 60;

/** Licence editions of the free ESXi, lower case. Its API refuses every write (RestrictedVersion). */
export const FREE_ESXI_EDITIONS: readonly string[] = [
  'esxbasic',
  'esx.free',
  'esx.hypervisor.free',
];

export interface ProcessServerSize {
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly cacheBytes: number;
  /** Changes a day of all machines together, up to which this size is enough. */
  readonly maxChangeBytesPerDay: number;
}

/**
 * Smallest first. Figures of Site Recovery for an additional process server ("Plan capacity for VMware
 * disaster recovery to Azure"); more than the last needs a second process server.
 */
export const PROCESS_SERVER_SIZES: readonly ProcessServerSize[] = [
  { cpuCount: 4, memoryBytes: 8 * GB, cacheBytes: 300 * GB, maxChangeBytesPerDay: 250 * GB },
  { cpuCount: 8, memoryBytes: 12 * GB, cacheBytes: 600 * GB, maxChangeBytesPerDay: 1000 * GB },
  { cpuCount: 12, memoryBytes: 24 * GB, cacheBytes: 1000 * GB, maxChangeBytesPerDay: 2000 * GB },
];

/** Without it a failback whose disk grows ends, and says so: none is refused for it from the start. */
export const DISK_EXTEND = 'VirtualMachine.Config.DiskExtend';

/**
 * Ids of the privileges that the account of the configuration server needs in vCenter, by what they are for: what the
 * driver's calls ask for in the vSphere Web Services API, and nothing else. Tasks of calls need none of their own
 * (`Task.Create` is for extensions). What a new VM is, as its processors, is part of creating it.
 */
export const VSPHERE_PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  'make, copy, find and delete files of disks': [
    'Datastore.AllocateSpace',
    'Datastore.Browse',
    'Datastore.FileManagement',
  ],
  'give disks to the master target and to VMs': [
    'VirtualMachine.Config.AddExistingDisk',
    'VirtualMachine.Config.AddNewDisk',
    'VirtualMachine.Config.AddRemoveDevice',
    'VirtualMachine.Config.AdvancedConfig',
    'VirtualMachine.Config.RemoveDisk',
  ],
  'give a raw device mapping in virtual mode to the master target, only where a VM has one': [
    'VirtualMachine.Config.RawDevice',
  ],
  'make a disk larger that grew in Azure during a failback': [DISK_EXTEND],
  'create, register, take out of the inventory and delete VMs': [
    'Network.Assign',
    'Resource.AssignVMToPool',
    'VirtualMachine.Inventory.Create',
    'VirtualMachine.Inventory.Delete',
    'VirtualMachine.Inventory.Register',
    'VirtualMachine.Inventory.Unregister',
  ],
  'start and stop VMs, one that was moved too': [
    'VirtualMachine.Interact.AnswerQuestion',
    'VirtualMachine.Interact.PowerOff',
    'VirtualMachine.Interact.PowerOn',
  ],
  'read the disks of a running VM for the way back, and remove snapshots': [
    'VirtualMachine.State.CreateSnapshot',
    'VirtualMachine.State.RemoveSnapshot',
  ],
  'put right what a guest needs, once it runs': [
    'VirtualMachine.GuestOperations.Execute',
    'VirtualMachine.GuestOperations.Query',
  ],
  'cancel what is given up, and read licences': ['Global.CancelTask', 'Global.Licenses'],
};

/** Missed only when the VM that comes home has a raw device mapping. */
export const ASKED_FOR_RDM: readonly string[] = ['VirtualMachine.Config.RawDevice'];

/** The role CloudAdmin of Azure VMware Solution lacks it, and all others are in it; licences are Microsoft's business. */
export const NOT_ASKED_IN_AVS: readonly string[] = ['Global.Licenses'];
