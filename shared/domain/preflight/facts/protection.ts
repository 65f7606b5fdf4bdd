import type { OsType, ProtectedDisk } from '../../protected-item.ts';
import type { MeasuredRate } from '../../transfer-rate.ts';
import type { Known } from './known.ts';

/** Where the machine came from, and what only matters there. */
export type OriginFacts =
  | {
      readonly kind: 'VMware';
      /** `about.instanceUuid` of the vCenter at the time of the failover; `none` for a host by itself. */
      readonly vcenterId: Known<string>;
    }
  | {
      readonly kind: 'HyperV';
      readonly isFailoverCommitted: Known<boolean>;
      readonly dataEncryption: Known<
        { readonly kind: 'off' } | { readonly kind: 'on'; readonly isCertificateGiven: boolean }
      >;
    }
  | {
      readonly kind: 'Physical';
      /** As the guest reports it, e.g. `Windows Server 2008 R2 SP1`. */
      readonly osName: Known<string>;
    };

/** What is recorded about the protected item. It comes from our own tables and is always there. */
export interface ProtectionSection {
  readonly origin: OriginFacts;
  readonly osType: OsType;
  /** The disks that are carried. */
  readonly disks: readonly Pick<ProtectedDisk, 'diskName' | 'sizeBytes'>[];
  /** Azure's unique id of the VM when it came under our care. */
  readonly azureVmId: Known<string>;
  /** "Complete migration" was chosen: the machine is to stay in Azure. */
  readonly isMigrationCompleted: Known<boolean>;
  /** Configuration server under which the machine was failed over, and the one chosen for the way back. */
  readonly originalConfigurationServerId: Known<string>;
  readonly chosenConfigurationServerId: string;
  readonly configurationServerAddress: Known<string>;
  /** A way home was prepared before, so that the configuration server has to know the item. */
  readonly isPrepared: boolean;
  /** Ids of disks that the machine did not have on-premises, as somebody said. */
  readonly disksAddedInAzure: readonly string[];
  /** Datastore chosen at the reprotect; `none` when nobody chose one. */
  readonly chosenDatastore: Known<string>;
  readonly rpoThresholdSeconds: Known<number>;
  /** `none` before the first recovery point. */
  readonly rpoSeconds: Known<number | 'none'>;
  /** How far back recovery points are retained. */
  readonly retentionSeconds: Known<number>;
  /** Measured over the last day; `null` when it was not measured. */
  readonly changeBytesPerDay: Known<number>;
  /** `null` while too little was sent to measure. */
  readonly measuredRate: Known<MeasuredRate>;
}
