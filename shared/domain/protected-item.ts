import type { Phase } from './phases.ts';

export type OsType = 'Linux' | 'Windows';

/** Where the machine lived before the failover; decides where it may go back to. */
export type Origin = 'VMware' | 'HyperV' | 'Physical';

export interface ProtectedDisk {
  /** `os` or `lun-<n>`. */
  readonly id: string;
  readonly isOsDisk: boolean;
  /** Name of the managed disk in the VM's resource group. */
  readonly diskName: string;
  readonly sizeBytes: number;
}

export interface OnPremisesTarget {
  readonly configurationServer: string;
  readonly masterTarget: string;
  readonly vmName: string;
  /** Azure subnet → network of the site. */
  readonly networks: readonly { readonly name: string; readonly staticIpAddress?: string }[];
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
  /** Snapshot names by disk that the master target's last sealed point stands for. */
  readonly base: Readonly<Record<string, string>>;
  readonly disks: readonly ProtectedDisk[];
  /** On-premises VM, known once it was prepared. */
  readonly onPremisesVmId: string | null;
  /** When the newest recovery point towards the present target was taken; RPO = now − this. */
  readonly lastRecoveryPointAt: string | null;
  readonly isRehearsalEnabled: boolean;
}

export function directionOf(phase: Phase): 'azureToOnPremises' | 'onPremisesToAzure' | 'none' {
  if (phase === 'failedOver') return 'none';
  return phase === 'protected' || phase === 'reverseReplicating' || phase === 'waitingForAgent'
    ? 'onPremisesToAzure'
    : 'azureToOnPremises';
}

/** Seconds since the newest recovery point was taken; `null` before the first one. */
export function rpoSeconds(item: ProtectedItem, now: Date): number | null {
  if (item.lastRecoveryPointAt === null) return null;
  return Math.max(0, Math.round((now.getTime() - Date.parse(item.lastRecoveryPointAt)) / 1000));
}
