export type {
  DatastoreType,
  PeerBootedGuest,
  PeerDatastore,
  PeerReady,
  VcenterPeerOptions,
} from '../../../local/vcenter/peer-options.ts';

/** A user of vCenter; without `privileges` it holds all there are. */
export interface PeerAccount {
  readonly name: string;
  /** Keeps the present one when left out. */
  readonly password?: string;
  readonly privileges?: readonly string[];
  /** Roles on objects, given by their moids, and on all below them; in place of `privileges`. */
  readonly grants?: readonly { readonly object: string; readonly privileges: readonly string[] }[];
  /** Taken away on one object, given by its moid, or everywhere. */
  readonly denied?: readonly { readonly privilege: string; readonly object?: string }[];
}

export interface PeerFailure {
  /** `*` is every method. */
  readonly method: string;
  /** The moid it is called on; every one when left out. */
  readonly object?: string;
  /**
   * `fault`: refused at once · `taskFault`: the task fails without an effect · `taskLost`: it has its effect and
   * still fails · `dropBefore` / `dropAfter`: the connection is cut, and the call has not / has happened.
   */
  readonly action: 'fault' | 'taskFault' | 'taskLost' | 'dropBefore' | 'dropAfter';
  /** Name of the fault in the schema, such as `FileLocked`; `SystemError` when left out. */
  readonly kind?: string;
  readonly message?: string;
  /** How many calls fail; all of them when left out. */
  readonly times?: number;
  /** How many calls that fit go through before. */
  readonly skip?: number;
}

/** Like VMs made at once: with `count` 1 the prefix is the name, else `<prefix>0000` and so on. */
export interface PeerInventory {
  readonly prefix: string;
  readonly datastore: string;
  readonly count?: number;
  readonly disks?: number;
  readonly diskMb?: number;
  readonly network?: string;
  readonly firmware?: 'bios' | 'efi';
  readonly guestId?: string;
  readonly isOn?: boolean;
  /** One below the datacenter's own; names are unique within a folder. */
  readonly folder?: string;
  /** In place of `disks` and `diskMb`, where sizes differ. */
  readonly disksMb?: readonly number[];
  /** Shows a raw device mapping; no bytes lie behind it. */
  readonly hasRdm?: boolean;
}

/** A disk that came into a VM or left it. */
export interface PeerDiskChange {
  readonly vm: string;
  readonly operation: 'add' | 'remove' | 'edit';
  /** `[datastore] folder/file.vmdk` */
  readonly file: string;
}

/** How guests behave; replaces what was said before. */
export interface PeerGuests {
  /** Who may log in; anybody when left out. */
  readonly user?: string;
  readonly password?: string;
  /** The first rule whose text is in the command line decides; a program without one ends at once with 0. */
  readonly rules?: readonly {
    readonly contains: string;
    readonly exitCode: number;
    readonly runMs?: number;
    /** Files that the program leaves in the guest. */
    readonly files?: Readonly<Record<string, string>>;
  }[];
  /** Until the tools run, in a peer without QEMU. */
  readonly bootMs?: number;
  /** From then until they take guest operations; 200 unless given. */
  readonly readyMs?: number;
  /** VMs, by name or moid, whose tools never run. */
  readonly silent?: readonly string[];
}

/** What was asked of one guest. */
export interface PeerGuestRecord {
  readonly programs: readonly {
    readonly pid: number;
    readonly program: string;
    readonly arguments: string;
    readonly owner: string;
    readonly exitCode: number;
    readonly startedAt: string;
  }[];
  readonly files: Readonly<Record<string, string>>;
  readonly directories: readonly string[];
}
