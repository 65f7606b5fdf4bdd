/** What a peer is started with; everything has a default. */
export interface VcenterPeerOptions {
  /** A vCenter with a cluster, or one ESXi host that is talked to directly. */
  readonly mode?: 'vcenter' | 'esxi';
  /** Of vCenter and of its hosts; '7.0.3' by default. */
  readonly version?: string;
  /** Edition key of the licence, such as `esxBasic`, with which every change is refused. */
  readonly licence?: string;
  readonly clusters?: number;
  readonly hostsPerCluster?: number;
  readonly standaloneHosts?: number;
  /** Boots the disks of VMs that are powered on. */
  readonly qemu?: boolean;
  /** Text on the serial console that says the guest is up. */
  readonly marker?: string;
  /** Without any there is one, `datastore1`, in a temporary folder. */
  readonly datastores?: readonly PeerDatastore[];
}

export interface PeerDatastore {
  readonly name: string;
  /** A folder of this machine; it is made when it is missing, and stays when the peer ends. */
  readonly folder: string;
  readonly type: DatastoreType;
}
export type DatastoreType = 'VMFS' | 'NFS' | 'NFS41' | 'vsan';

/** The line that the peer prints when it answers. */
export interface PeerReady {
  /** `https://127.0.0.1:<port>/sdk` */
  readonly url: string;
  readonly control: string;
  readonly user: string;
  readonly password: string;
  /** Of the certificate, as `AB:CD:…`. */
  readonly thumbprints: { readonly sha1: string; readonly sha256: string };
  readonly datastores: readonly PeerDatastore[];
  readonly pid: number;
}

/** A VM whose guest is up: its tools run. */
export interface PeerBootedGuest {
  /** Its name. */
  readonly vm: string;
  readonly biosUuid: string;
  /** When it was powered on or reset last, in ISO 8601. */
  readonly bootedAt: string;
}
