import type { Known, Lab } from './known.ts';

/** Who answers for the hosts: a vCenter, or one ESXi host that was added by itself. */
export type VsphereManagement =
  | {
      readonly kind: 'vcenter';
      /** `about.instanceUuid`. */
      readonly vcenterId: Known<string>;
      /** It is the one of a private cloud of Azure VMware Solution. Absent = it is not. */
      readonly isAvs?: boolean;
    }
  | {
      readonly kind: 'standaloneHost';
      /** Inventory and datastores of the host were read wholly since it was added. */
      readonly isDiscoveryFinished: Known<boolean>;
    };

export interface NeededHost {
  readonly name: string;
  readonly isDiscovered: boolean;
  /** No VM starts on it meanwhile. */
  readonly isInMaintenance: Known<boolean>;
}

export interface VsphereSite {
  readonly kind: 'vsphere';
  readonly isConnected: boolean;
  readonly management: Known<VsphereManagement>;
  /** `editionKey` of the licence of the master target's host; `esxBasic` is the free edition. */
  readonly hostEdition: Known<string>;
  readonly account: {
    /** The account sees at least one datastore where the hosts have some. */
    readonly canSeeDatastores: Known<boolean>;
    /** Privileges that are needed and not granted, each with the object, as `Datastore.Browse on ds1`. */
    readonly missingPrivileges: Known<readonly string[]>;
  };
  readonly discoveredMasterTargetCount: Known<number>;
  /** Hosts that the failback needs (of the master target, of the VM or its datastores). */
  readonly neededHosts: Known<readonly NeededHost[]>;
}

export interface HyperVSite {
  readonly kind: 'hyperv';
  /** VMM, or the host where no VMM is used. */
  readonly isConnected: boolean;
  /** Names of the virtual switches of the host that gets the VM. */
  readonly virtualSwitches: Known<readonly string[]>;
  /** Names of the switches the VM was connected to on its original host. */
  readonly neededSwitches: Known<readonly string[]>;
}

export interface LocalSite extends Lab {
  readonly isConnected: boolean;
}

export type SiteSection = VsphereSite | HyperVSite | LocalSite;
