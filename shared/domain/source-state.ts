import type { ErrorCode } from '../errors/catalogue.ts';
import { type ErrorRecord, errorRecord } from '../errors/failback-error.ts';
import { isTerminal, type Job, type LossKind } from './job.ts';
import type { ProtectedItem } from './protected-item.ts';

/**
 * What was seen of the Azure VM. `gone`: Azure says so. `unreachable`: nobody knows whether it runs, or it is where we
 * cannot shut it down. `changed`: it has disks that are not copied. `incomplete`: it is there without one of its disks.
 */
export interface SourceSight {
  readonly state: 'there' | 'incomplete' | LossKind;
  /** Why it is not there, or not as it was; empty where it is. */
  readonly reason: string;
}

/** Whether the Azure VM exists to be shut down, with the disks that are copied as far as it still has them. */
export function isThereToShutDown(state: SourceSight['state']): state is 'there' | 'incomplete' {
  return state === 'there' || state === 'incomplete';
}

const LOSS_OF_DISKS: Partial<Record<ErrorCode, LossKind>> = {
  'FB-AZ-004': 'gone',
  'FB-AZ-009': 'changed',
  'FB-AZ-010': 'gone',
};

/**
 * Whether a cycle failed because Azure has lost what is copied, or did not answer until all retries were through;
 * `null` = for another reason, which does not pass by waiting.
 */
export function lossBehind({ code, values }: ErrorRecord): LossKind | null {
  const byDisks = LOSS_OF_DISKS[code];
  if (byDisks !== undefined) return byDisks;
  if (code === 'FB-AZ-001') return values['status'] === 404 ? 'gone' : null;
  if (code !== 'FB-ORC-001') return null;
  // The one step of a cycle that fails where Azure does not answer; it asks nothing else, next to our own tables.
  return values['activity'] === 'takeSnapshots' ? 'unreachable' : null;
}

/** What people are told while the failback waits for Azure. */
export function lossError(
  { name: itemName, vmName, lastRecoveryPointAt }: LossSubject,
  kind: LossKind,
  { message }: Pick<ErrorRecord, 'message'>,
): ErrorRecord {
  const takenAt = lastRecoveryPointAt ?? 'an unknown time';
  const reason = message.replace(/\.$/, '');
  return errorRecord(LOSS_CODES[kind], { itemName, vmName, takenAt, reason });
}

type LossSubject = Pick<ProtectedItem, 'name' | 'vmName' | 'lastRecoveryPointAt'>;

const LOSS_CODES = {
  gone: 'FB-SRC-001',
  unreachable: 'FB-SRC-002',
  changed: 'FB-SRC-008',
} as const satisfies Record<LossKind, ErrorCode>;

/** What the last cycle of a job ran into, for as long as it waits for it to pass. */
export function sourceLossOf({ phase, sourceLoss }: Pick<Job, 'phase' | 'sourceLoss'>): {
  readonly kind: LossKind;
  readonly error: ErrorRecord;
} | null {
  return phase === 'replicating' ? (sourceLoss ?? null) : null;
}

/** What a job that goes on has met in Azure. */
export function troubleInAzure(job: Job): ErrorRecord[] {
  if (isTerminal(job.state)) return [];
  const errors = [sourceLossOf(job)?.error, job.leftSnapshots];
  return errors.flatMap((error) => (error === undefined ? [] : [error]));
}

interface WantedPoint {
  readonly recoveryPoint: string;
  /** Somebody who may commit has said that the Azure VM need not be asked. */
  readonly isUnreachableAccepted: boolean;
}

/**
 * Why the machine cannot be booted at home as long as its Azure VM is as it was seen; `null` when it can. A VM that
 * does not exist needs no shutdown, but gives no last delta either; nor does one that lacks a disk. What is on-premises
 * of a VM with other disks is not that machine: it boots at no point.
 */
export function refusalBySource(
  item: LossSubject,
  { state, reason }: SourceSight,
  { recoveryPoint, isUnreachableAccepted }: WantedPoint,
): ErrorRecord | null {
  const { name: itemName, vmName } = item;
  if (state === 'there') return null;
  if (state === 'changed') return lossError(item, state, { message: reason });
  if (recoveryPoint === 'latest') return errorRecord('FB-SRC-003', { itemName, reason });
  if (state !== 'unreachable' || isUnreachableAccepted) return null;
  return errorRecord('FB-SRC-004', { itemName, vmName, reason });
}
