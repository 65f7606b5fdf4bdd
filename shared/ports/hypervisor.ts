import type { DiskShape, TargetDevice, VmShape } from '../contracts/commands.ts';
import type { HyperVFacts, VsphereFacts } from '../contracts/site-facts.ts';
import type { FailbackError } from '../errors/failback-error.ts';

export interface HypervisorVm {
  readonly vmId: string;
  readonly name: string;
  readonly powerState: 'on' | 'off';
  readonly snapshotCount: number;
  readonly disks: readonly { readonly diskId: string; readonly sizeBytes: number }[];
  /** Who holds the disks: the VM itself, or the master target. Never both. */
  readonly disksAt: 'vm' | 'masterTarget';
  /** When the VM was last switched on; `null` while it is off. */
  readonly startedAt: string | null;
  /** Absent = the driver cannot tell. */
  readonly firmware?: 'bios' | 'efi';
  /** As the firmware tells it to the guest. Absent or `null` = the driver cannot tell. */
  readonly biosUuid?: string | null;
}

/** What a failback would use, for facts that depend on it. */
export interface SiteSubject {
  readonly vmName: string;
  /** The VM that was found for the item, if there is one. */
  readonly originalVmId?: string;
  readonly masterTarget?: string;
  /** Names of those that one is to be chosen of. */
  readonly masterTargets?: readonly string[];
  /** Datastore that was chosen for a new VM. */
  readonly datastore?: string;
  /** Of the machine: they are looked for among those of the VM that was found. */
  readonly disks?: readonly DiskShape[];
  /** Name of a VM that would be created. Absent = `vmName`. */
  readonly newVmName?: string;
}

/** `null`, or absent, for what could not be found out. */
export interface SiteDescription {
  readonly isConnected: boolean;
  readonly freeBytes: number | null;
  /** fixGuest gives interfaces their static addresses back. */
  readonly restoresStaticAddresses?: boolean;
  /** Of a driver for vSphere. */
  readonly vsphere?: VsphereFacts;
  /** Of a driver for Hyper-V. */
  readonly hyperv?: HyperVFacts;
}

/** Where a new VM is made and who is to hold its disks. What is absent is as the driver's configuration says. */
export interface VmPlace {
  /** Name of a master target, as it registers. */
  readonly masterTarget?: string | undefined;
  readonly datastore?: string | undefined;
}

export interface AttachedDisk {
  readonly diskId: string;
  readonly device: TargetDevice;
}

export interface BootEvidence {
  /** What shows that the guest booted; `null` while nothing does. */
  readonly evidence: string | null;
  readonly isSimulated: boolean;
  /** The last of what the guest's console showed, for people. */
  readonly consoleTail: string;
}

export interface Fixup {
  readonly name: string;
  readonly outcome: 'done' | 'notNeeded' | 'deferredToGuest' | 'failed';
  readonly detail: string;
}

/**
 * What a site's hypervisor does for a failback. Every call may be repeated and then changes nothing;
 * a call that was cut off in the middle is completed by repeating it. What fails with an error that is
 * retryable may work later, and whoever called repeats it.
 */
export interface Hypervisor {
  readonly kind: 'local' | 'vsphere' | 'hyperv';
  /** Why it does not answer at this moment, also while a call still waits for it; `null` = it answers. */
  readonly outage: FailbackError | null;
  /** Changes nothing. Without a subject only what does not depend on one. */
  describe(subject?: SiteSubject): Promise<SiteDescription>;
  /**
   * By id when one is given, and then never by name: a VM that is gone must not be mistaken for another one of
   * the same name, which may be the production VM. By name only when no id is given: throws FB-SITE-011 when several
   * VMs have it. `null` = it does not exist; throws when that cannot be found out.
   */
  findVm(key: { readonly vmId?: string; readonly name: string }): Promise<HypervisorVm | null>;
  /**
   * A VM that was taken out of the inventory while its files stayed, as it was when it was last seen; `null` when
   * there is none, or when its files are gone. By name only one that is the only one of that name.
   */
  findUnregistered(key: {
    readonly vmId?: string;
    readonly name: string;
  }): Promise<HypervisorVm | null>;
  /**
   * Puts such a VM back, off and with its disks. Throws FB-SITE-008 when it is not known where it was, and
   * FB-SITE-009 when what lies there is another VM; nothing of it stays in the inventory then.
   */
  registerVm(vmId: string, masterTarget?: string): Promise<void>;
  /** Takes a VM out of the inventory and keeps its files, disks included. Throws FB-SITE-010 while it is on. */
  unregisterVm(vmId: string): Promise<void>;
  /** `creationKey` makes it idempotent: the same key gives the same VM. Returns the VM's id. */
  createVm(
    shape: VmShape,
    creationKey: string,
    isIsolated: boolean,
    place?: VmPlace,
  ): Promise<string>;
  deleteVm(vmId: string): Promise<void>;
  /**
   * Throws what ensureDisks and attachToMasterTarget would throw because of the VM's disks, whether it runs or not.
   * Changes nothing.
   */
  checkDisks(vmId: string, disks: readonly DiskShape[]): Promise<void>;
  /**
   * Adds disks that are missing; returns the ids of those that are new and read as zeros. Disks that are not
   * named stay as they are. With `seedVmId`, a VM that is off and has no snapshots, new disks begin as copies of its
   * disks of the same id and size; where that cannot be, they read as zeros.
   */
  ensureDisks(
    vmId: string,
    disks: readonly DiskShape[],
    seedVmId?: string,
  ): Promise<readonly string[]>;
  /**
   * Makes disks larger that are smaller than is said; what is added reads as zeros. Those that have the size already stay
   * as they are. Only while the VM is off; where a disk has to be with the VM for that, a master target gives it away.
   * Throws FB-SITE-006 for one that is larger, and before anything is changed FB-SITE-012 for one that cannot be made
   * larger and FB-SITE-013 where there is no room.
   */
  growDisks(vmId: string, disks: readonly DiskShape[]): Promise<void>;
  /** All there are, with what was written since put into the disks. Returns how many there were. */
  removeSnapshots(vmId: string): Promise<number>;
  /** Only while the VM is off. Another master target that holds them has to give them away. */
  attachToMasterTarget(vmId: string, masterTarget?: string): Promise<readonly AttachedDisk[]>;
  attachToVm(vmId: string): Promise<void>;
  /** Only while the VM holds its disks. */
  powerOn(vmId: string): Promise<void>;
  /** True when it ran until now, also when it was only about to start. */
  powerOff(vmId: string, isGraceful: boolean): Promise<boolean>;
  /** No evidence while the VM is off, whatever its console showed before. */
  bootEvidence(vmId: string): Promise<BootEvidence>;
  fixGuest(vmId: string, shape: VmShape): Promise<readonly Fixup[]>;
  /**
   * An image of the running VM's disks at one instant, readable by the master target. Open already = as it was. One at
   * a time: all other images of the VM are closed.
   */
  openImage(vmId: string, imageId: string, masterTarget?: string): Promise<readonly AttachedDisk[]>;
  closeImage(vmId: string, imageId: string): Promise<boolean>;
  /** Takes up what ran before the program was stopped. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}
