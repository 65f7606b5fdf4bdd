import type { ErrorRecord } from '../errors/failback-error.ts';
import { type Direction, type Phase, STATE_MACHINE } from './phases.ts';

export type OsType = 'Linux' | 'Windows';

/** Where the machine lived before the failover; decides where it may go back to. */
export type Origin = 'VMware' | 'HyperV' | 'Physical';

/** What the disk is in Azure: a managed disk, or a page blob that somebody keeps in a storage account. */
export type DiskSourceKind = 'managedDisk' | 'pageBlob';

export interface ProtectedDisk {
  /** `os` or `lun-<n>`. */
  readonly id: string;
  readonly isOsDisk: boolean;
  /** Name of the managed disk in the VM's resource group; of a page blob its URL, without a SAS. */
  readonly diskName: string;
  /** Absent in records of earlier versions: a managed disk. */
  readonly kind?: DiskSourceKind;
  readonly sizeBytes: number;
}

/** A network of the site, and what the interface there had before the failover. */
export interface OnPremisesNetwork {
  readonly name: string;
  readonly staticIpAddress?: string | undefined;
  readonly prefixLength?: number | undefined;
  readonly gateway?: string | undefined;
  readonly staticIpv6Address?: string | undefined;
  readonly ipv6PrefixLength?: number | undefined;
  readonly ipv6Gateway?: string | undefined;
  readonly dnsServers?: readonly string[] | undefined;
}

/** Of both families. Without its prefix length an address cannot be set. */
export function staticAddressesOf({
  staticIpAddress,
  prefixLength,
  staticIpv6Address,
  ipv6PrefixLength,
}: Omit<OnPremisesNetwork, 'name'>): readonly {
  readonly address: string;
  readonly prefixLength: number | undefined;
}[] {
  const all = [
    { address: staticIpAddress, prefixLength },
    { address: staticIpv6Address, prefixLength: ipv6PrefixLength },
  ];
  return all.flatMap(({ address, prefixLength: length }) =>
    address === undefined ? [] : [{ address, prefixLength: length }],
  );
}

export interface OnPremisesTarget {
  /** Absent = a VM. A physical machine is what somebody wished for; preflight refuses it. */
  readonly kind?: 'virtualMachine' | 'physicalMachine';
  readonly configurationServer: string;
  /** Absent = one is chosen when a failback begins. */
  readonly masterTarget?: string;
  readonly vmName: string;
  /** Instance UUID of the original VM, as the operator gave it. Absent = it is the only one of that name. */
  readonly vmId?: string;
  /** Which disk of the original VM is which of the machine: its place, as `scsi0:2`, or its UUID. */
  readonly disks?: Readonly<Record<string, string>>;
  /** Datastore for a VM that has to be created. Absent = nobody chose one. */
  readonly datastore?: string;
  /** Azure subnet → network of the site. */
  readonly networks: readonly OnPremisesNetwork[];
}

/**
 * What was recorded of the machine on-premises and of its failover when it was taken under care. Preflight
 * compares it with what is found; what is absent is not known.
 */
export interface FailoverRecord {
  /** `about.instanceUuid` of the vCenter it was under; `none` for a host by itself. */
  readonly vcenterId?: string | undefined;
  /** Name of the configuration server under which it was protected, and its address then. */
  readonly configurationServer?: string | undefined;
  readonly configurationServerAddress?: string | undefined;
  /** "Complete migration" was chosen: the machine is to stay in Azure. */
  readonly isMigrationCompleted?: boolean | undefined;
  /** The VM that was failed over does not exist any more, under whatever name. */
  readonly isOriginalVmGone?: boolean | undefined;
  /** Ids of disks that the machine did not have on-premises. Absent = it had all. */
  readonly disksAddedInAzure?: readonly string[] | undefined;
  /** Hyper-V: the failover was committed. */
  readonly isCommitted?: boolean | undefined;
  /** Hyper-V: whether its replica was encrypted, and the certificate was given. */
  readonly dataEncryption?: 'off' | 'certificateGiven' | 'certificateMissing' | undefined;
  /** Physical servers: as the guest reports it. */
  readonly osName?: string | undefined;
  /** Linux: the failover took NetworkManager out of the guest. */
  readonly isNetworkManagerRemoved?: boolean | undefined;
  readonly vmwareTools?: 'running' | 'disabled' | 'absent' | undefined;
}

/** A moment the machine can be booted at on-premises. */
export interface RecoveryPoint {
  readonly pointId: string;
  readonly takenAt: string;
  readonly consistency: 'crashConsistent' | 'applicationConsistent';
  /** Why it is only crash-consistent although more was asked for. Absent = it is what was asked for. */
  readonly reason?: string;
  /** Shared with the points that the other machines of a replication group took at the same instant. */
  readonly groupPointId?: string;
}

/** One VM under our care. Plain JSON, kept in the items table. */
export interface ProtectedItem {
  readonly id: string;
  readonly name: string;
  readonly origin: Origin;
  readonly resourceGroup: string;
  readonly vmName: string;
  readonly osType: OsType;
  readonly target: OnPremisesTarget;
  readonly phase: Phase;
  /** The failback or rehearsal that works on the item now; a second one is refused. */
  readonly activeJobId: string | null;
  /** The failback or rehearsal that was started last. Absent = none, or an earlier record. */
  readonly lastJobId?: string;
  /** Snapshot names by disk that the master target's last sealed point stands for. */
  readonly base: Readonly<Record<string, string>>;
  readonly disks: readonly ProtectedDisk[];
  /** On-premises VM, known once it was prepared. */
  readonly onPremisesVmId: string | null;
  /** Chosen where the target names none, for as long as the disks or their journal are there. Absent = none yet. */
  readonly chosenMasterTarget?: string;
  /** When the newest recovery point towards the present target was taken; RPO = now − this. */
  readonly lastRecoveryPointAt: string | null;
  /** Points at the site that can be failed over to, oldest first. Absent = none. */
  readonly recoveryPoints?: readonly RecoveryPoint[];
  /** Somebody goes back to this point: it stays, whatever the retention says. Absent = none. */
  readonly pinnedPointId?: string;
  /** The point that is being sealed at home, and what that seal was told to keep. Absent = none is. */
  readonly sealing?: { readonly pointId: string; readonly keepPointId: string | null };
  readonly isRehearsalEnabled: boolean;
  /** From the proof to the sign of life, as its last boot at home or in a rehearsal took. Absent = not measured. */
  readonly bootSeconds?: number;
  /** As the deltas of its last failback showed. Absent = not measured. */
  readonly changeBytesPerDay?: number;
  /** Azure's unique id of the VM when it came under our care. Absent in records of earlier versions. */
  readonly azureVmId?: string;
  /** Absent in records of earlier versions: nobody was asked. */
  readonly failoverRecord?: FailoverRecord;
  /** Older than this, the newest recovery point is a warning. Absent = the policy's default. */
  readonly rpoThresholdMinutes?: number;
  /** Why the last delta towards Azure failed, or that nothing sends any. Absent = it arrived. */
  readonly reverseError?: ErrorRecord;
  /**
   * The failback has not yet come to the on-premises VM, so going back leaves it alone: the site may still remember an
   * earlier life, of which that VM is the production machine. Absent = it may have.
   */
  readonly isSiteUntouched?: boolean;
  /** Whether the Azure VM ran before a failback stopped it: going back restores that. Absent = not stopped. */
  readonly wasSourceRunning?: boolean;
  /** The phase in which a way back began that is not through yet. Absent = none is under way, or an earlier record. */
  readonly rollingBackFrom?: Phase;
}

/** Who holds the disks and their journal; `null` = nobody was named and none was chosen yet. */
export function masterTargetOf({
  target,
  chosenMasterTarget,
}: Pick<ProtectedItem, 'target' | 'chosenMasterTarget'>): string | null {
  return target.masterTarget ?? chosenMasterTarget ?? null;
}

/** The VM that the machine has on-premises, or is said to have; `null` = its name is all that is known. */
export function originalVmIdOf({
  target,
  onPremisesVmId,
}: Pick<ProtectedItem, 'target' | 'onPremisesVmId'>): string | null {
  return onPremisesVmId ?? target.vmId ?? null;
}

/** A disk as it is asked for at the site. */
export function diskShapeOf(
  { target }: Pick<ProtectedItem, 'target'>,
  { id, isOsDisk, sizeBytes }: ProtectedDisk,
): Pick<ProtectedDisk, 'id' | 'isOsDisk' | 'sizeBytes'> & { readonly onPremisesDisk?: string } {
  const onPremisesDisk = target.disks?.[id];
  return { id, isOsDisk, sizeBytes, ...(onPremisesDisk === undefined ? {} : { onPremisesDisk }) };
}

export function directionOf(phase: Phase): Direction {
  return STATE_MACHINE[phase].direction;
}

/** Seconds since the newest recovery point was taken; `null` before the first one. */
export function rpoSeconds(item: ProtectedItem, now: Date): number | null {
  if (item.lastRecoveryPointAt === null) return null;
  return Math.max(0, Math.round((now.getTime() - Date.parse(item.lastRecoveryPointAt)) / 1000));
}

/** No seal is under way that began before the pin and does not know of it. */
export function isPinSafe({
  sealing,
  pinnedPointId,
}: Pick<ProtectedItem, 'sealing' | 'pinnedPointId'>): boolean {
  return sealing === undefined || sealing.keepPointId === (pinnedPointId ?? null);
}

const NEWEST: readonly string[] = ['latest', 'latestProcessed'];

/**
 * `latest` and `latestProcessed` (the newest that is sealed), `latestApplicationConsistent` or an id as a point
 * of the item; `null` when it has none such.
 */
export function resolveRecoveryPoint(
  { recoveryPoints = [] }: Pick<ProtectedItem, 'recoveryPoints'>,
  wanted: string,
): RecoveryPoint | null {
  const found = recoveryPoints.findLast(({ pointId, consistency }) =>
    wanted === 'latestApplicationConsistent'
      ? consistency === 'applicationConsistent'
      : NEWEST.includes(wanted) || pointId === wanted,
  );
  return found ?? null;
}
