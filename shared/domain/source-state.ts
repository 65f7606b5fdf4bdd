import { type ErrorRecord, errorRecord } from '../errors/failback-error.ts';
import type { Job, LossKind } from './job.ts';
import type { ProtectedItem } from './protected-item.ts';

/**
 * What was seen of the Azure VM. `gone`: Azure says so. `unreachable`: nobody knows whether it runs, or it is where we
 * cannot shut it down.
 */
export interface SourceSight {
  readonly state: 'there' | LossKind;
  /** Why it is not there; empty where it is. */
  readonly reason: string;
}

/** Steps of a cycle that ask nothing but Azure, next to our own tables. */
const STEPS_IN_AZURE: readonly unknown[] = ['takeSnapshots', 'pruneSnapshots'];

/**
 * Whether a cycle failed because Azure has lost what is copied, or did not answer until all retries were through;
 * `null` = for another reason, which does not pass by waiting.
 */
export function lossBehind({ code, values }: ErrorRecord): LossKind | null {
  if (code === 'FB-AZ-004') return 'gone';
  if (code === 'FB-AZ-001') return values['status'] === 404 ? 'gone' : null;
  if (code !== 'FB-ORC-001') return null;
  return STEPS_IN_AZURE.includes(values['activity']) ? 'unreachable' : null;
}

/** What people are told while the failback waits for Azure. */
export function lossError(
  { name: itemName, vmName, lastRecoveryPointAt }: ProtectedItem,
  kind: LossKind,
  { message: reason }: ErrorRecord,
): ErrorRecord {
  const takenAt = lastRecoveryPointAt ?? 'an unknown time';
  const code = kind === 'gone' ? 'FB-SRC-001' : 'FB-SRC-002';
  return errorRecord(code, { itemName, vmName, takenAt, reason });
}

/** What the last cycle of a job ran into, for as long as it waits for it to pass. */
export function sourceLossOf({ phase, sourceLoss }: Pick<Job, 'phase' | 'sourceLoss'>): {
  readonly kind: LossKind;
  readonly error: ErrorRecord;
} | null {
  return phase === 'replicating' ? (sourceLoss ?? null) : null;
}

interface WantedPoint {
  readonly recoveryPoint: string;
  /** Somebody who may commit has said that the Azure VM need not be asked. */
  readonly isUnreachableAccepted: boolean;
}

/**
 * Why the machine cannot be booted at home as long as its Azure VM is as it was seen; `null` when it can. A VM that
 * does not exist needs no shutdown, but gives no last delta either.
 */
export function refusalBySource(
  { name: itemName, vmName }: Pick<ProtectedItem, 'name' | 'vmName'>,
  { state, reason }: SourceSight,
  { recoveryPoint, isUnreachableAccepted }: WantedPoint,
): ErrorRecord | null {
  if (state === 'there') return null;
  if (recoveryPoint === 'latest') return errorRecord('FB-SRC-003', { itemName, reason });
  if (state === 'gone' || isUnreachableAccepted) return null;
  return errorRecord('FB-SRC-004', { itemName, vmName, reason });
}
