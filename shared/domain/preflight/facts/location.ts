import type { Known, Lab } from './known.ts';

export type DatastoreType = 'VMFS' | 'NFS' | 'vSAN' | 'other';

export interface OnPremisesDisk {
  readonly name: string;
  readonly datastore: string;
  readonly datastoreType: Known<DatastoreType>;
  /** A raw device mapping: the disk is a LUN, not a file of the datastore. */
  readonly isRdm: Known<boolean>;
  /** Nobody asks for its file, object or LUN by itself: with an inaccessible datastore they are away as well. */
  readonly isDatastoreAccessible: Known<boolean>;
  /** In the VM, as `scsi0:2`. */
  readonly place: Known<string>;
  readonly sizeBytes: Known<number>;
}

/**
 * How a disk of the machine was looked for among those that are attached to the VM: `otherSize` = the one that it would
 * be has another size; `ambiguous` = it may be one or another; `unfound` = the one that somebody named is not there;
 * `missing` = none of them can be it.
 */
export interface DiskMatch {
  readonly diskId: string;
  readonly match: 'found' | 'otherSize' | 'ambiguous' | 'unfound' | 'missing';
}

/** OLR: the VM that was failed over is still there and gets its disks' changes. */
export interface OriginalLocation {
  readonly kind: 'original';
  readonly vmId: string;
  /** False = it was taken out of the inventory, its files are still there: it is registered again. */
  readonly isRegistered: Known<boolean>;
  readonly power: Known<'on' | 'off'>;
  readonly snapshotCount: Known<number>;
  readonly firmware: Known<'bios' | 'efi'>;
  /** Its disks hold a state to start from, so that only what differs is downloaded. */
  readonly hasSeed: Known<boolean>;
  readonly storage:
    | Lab
    | { readonly kind: 'hyperv' }
    | {
        readonly kind: 'vsphere';
        /** BIOS UUID of the VM. A master target of the same template has the same one. */
        readonly biosUuid: Known<string>;
        /** Those that are attached to it. */
        readonly disks: Known<readonly OnPremisesDisk[]>;
        /** Of each disk of the machine. */
        readonly matches: Known<readonly DiskMatch[]>;
        /** Disks that are added to it are made there. */
        readonly isOnVsan: Known<boolean>;
      };
}

/** What matters of the place of a VM that will be created. */
interface NewVm {
  /** Free space where the new disks will lie. */
  readonly freeBytes: Known<number>;
  readonly storage:
    | Lab
    | {
        readonly kind: 'hyperv';
        /** The host is another one than the VM had before the failover. */
        readonly isAlternateHost: Known<boolean>;
      }
    | {
        readonly kind: 'vsphere';
        /** Host of the master target: the VM will be created there. */
        readonly hostName: Known<string>;
        readonly datastore: Known<string>;
        readonly datastoreType: Known<DatastoreType>;
        /** Of the hosts that have the datastore mounted for reading and writing. */
        readonly datastoreHostIds: Known<readonly string[]>;
        /** Another VM of the same name is on that host. */
        readonly isNameTaken: Known<boolean>;
      };
}

/** ALR: a VM is created; its disks are downloaded in full. */
export interface AlternateLocation extends NewVm {
  readonly kind: 'alternate';
  /**
   * The VM that was failed over is still in the inventory, and stays there. That none has its name does not tell: it may
   * have been renamed.
   */
  readonly doesOriginalExist: Known<boolean>;
  /** Power of the VM that was failed over, when it is to be taken out of the inventory first. */
  readonly leavingOriginal: Known<'none' | 'on' | 'off'>;
}

/**
 * A test failback: an isolated VM is created beside the original one, wherever the machine will live later. Of the
 * original VM only that matters which decides whether its disks can be copied.
 */
export interface RehearsalLocation extends NewVm {
  readonly kind: 'rehearsal';
  /** Snapshots of the original VM; 0 where there is none. */
  readonly originalSnapshotCount: Known<number>;
  /** The new disks begin as copies of those of the original VM, so that only what differs is downloaded. */
  readonly hasSeed: Known<boolean>;
}

/** Where the machine will live: its original VM, a new one, or (refused) a physical machine. */
export type LocationSection =
  OriginalLocation | AlternateLocation | RehearsalLocation | { readonly kind: 'physicalMachine' };
