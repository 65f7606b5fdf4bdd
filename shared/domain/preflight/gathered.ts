import type { AzureNetworkReading, AzureVmFacts } from '../azure-vm.ts';
import type { ErrorRecord } from '../../errors/failback-error.ts';
import type { MasterTargetLoad } from '../choose-master-target.ts';
import type { MeasuredRate } from '../transfer-rate.ts';
import type { ProtectedItem } from '../protected-item.ts';
import type { Known } from './facts/known.ts';

/** What the run is for. A failover goes on with what a reprotect has set up. */
export const PREFLIGHT_OPERATIONS = ['reprotect', 'failover', 'rehearsal'] as const;
export type PreflightOperation = (typeof PREFLIGHT_OPERATIONS)[number];

/** Chosen for this run in place of what the item says. */
export interface Placement {
  readonly configurationServer?: string | undefined;
  readonly masterTarget?: string | undefined;
  readonly datastore?: string | undefined;
}

/** An agent as the table of agents knows it. */
export interface AgentStanding {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly address: { readonly host: string; readonly port: number } | null;
  readonly heartbeatAt: string;
  /** Heard of lately enough to be given work. */
  readonly isConnected: boolean;
}

/** A master target that can be chosen, as our tables know it. */
export interface MasterTargetStanding extends AgentStanding {
  /** `null` = it never told. */
  readonly load: MasterTargetLoad | null;
  /** Disks of other machines whose way home goes through it. */
  readonly committedDiskCount: number;
}

/** From our own tables. */
export interface RecordFacts {
  /** With the placement of the run. */
  readonly item: ProtectedItem;
  readonly configurationServer: AgentStanding | null;
  /** `null` = it is not registered, or nobody has chosen one. */
  readonly masterTarget: AgentStanding | null;
  /** Those that can be chosen among; absent where one is named. */
  readonly masterTargets?: readonly MasterTargetStanding[];
  /** The one that serves the VM's resource group; `null` when there is none, or it was retired. */
  readonly processServer: AgentStanding | null;
  readonly rpoSeconds: number | 'none';
  /** Measured in the deltas of a day, now or in an earlier failback; `null` where there were too few. */
  readonly changeBytesPerDay: Known<number>;
  /** In earlier cycles; `null` where too little was sent to measure. */
  readonly measuredRate: Known<MeasuredRate>;
  /** Of all other machines that are on the move through the same process server. */
  readonly otherChangeBytesPerDay: number;
}

/** From Azure. */
export interface AzureFacts {
  readonly vm: AzureVmFacts;
  readonly network: AzureNetworkReading | null;
  /** The VM of the process server; `null` when there is none. */
  readonly processServerVm: { readonly virtualNetworkId: string } | null;
}

/** Somebody who was asked for facts and did not tell them. */
export interface Unanswered {
  readonly source: 'azure' | 'configurationServer' | 'masterTarget' | 'processServer';
  readonly error: ErrorRecord;
}
