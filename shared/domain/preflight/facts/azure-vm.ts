import type { Known } from './known.ts';

export interface AzureDiskFacts {
  readonly id: string;
  readonly diskName: string;
  readonly sizeBytes: number;
  /** 512, or 4096 on Premium SSD v2 and Ultra disks. */
  readonly logicalSectorBytes: Known<number>;
  readonly isAdeEncrypted: Known<boolean>;
  readonly isShared: Known<boolean>;
  readonly isEphemeral: Known<boolean>;
  /** `AllowAll`, `AllowPrivate` or `DenyAll`. */
  readonly networkAccessPolicy: Known<string>;
  /** The disk's disk access has a private endpoint that the process server reaches. Asked only for `AllowPrivate`. */
  readonly isPrivateExportReachable: Known<boolean>;
}

/** What the guest in Azure looks like now, and what it looked like before the failover. */
export interface GuestFacts {
  /** Network interfaces that had a static address on-premises. */
  readonly staticInterfaces: Known<
    readonly {
      readonly name: string;
      /** The guest fix-up will give this interface its static address back. */
      readonly isAddressRestored: boolean;
    }[]
  >;
  /** Linux only: the failover took NetworkManager out of the guest. `false` on Windows. */
  readonly isNetworkManagerRemoved: Known<boolean>;
  /** State of VMware Tools in the guest; `notNeeded` on machines that do not go to VMware. */
  readonly vmwareTools: Known<'running' | 'disabled' | 'absent' | 'notNeeded'>;
}

/** The VM in Azure. `exists: false` leaves everything that is read from it empty or unknown. */
export interface AzureVmSection {
  /** There is a VM of the recorded name in the recorded resource group. */
  readonly exists: boolean;
  /** Where the recorded VM (by `vmId`) is now. Asked for when it is not in its place. */
  readonly whereabouts: Known<
    | { readonly kind: 'inPlace' }
    | { readonly kind: 'moved'; readonly resourceGroup: string }
    | { readonly kind: 'nowhere' }
  >;
  /** Azure's unique id of the VM (`properties.vmId`): a VM made anew under the same name has another. */
  readonly vmId: Known<string>;
  readonly powerState: string;
  readonly generation: Known<'V1' | 'V2'>;
  readonly isConfidential: Known<boolean>;
  /** Names of ReadOnly and CanNotDelete locks on the VM, its disks, its interfaces and their groups. */
  readonly locks: Known<readonly string[]>;
  readonly disks: readonly AzureDiskFacts[];
  readonly guest: GuestFacts;
}
