import { type ErrorRecord, errorRecord } from '../errors/failback-error.ts';
import { isTerminal, type Job } from './job.ts';
import {
  allowedIntents,
  allowedStarts,
  type Intent,
  INTENTS,
  LEFT_AT_WORK,
  stageOf,
  type Start,
  STARTS,
  STATE_MACHINE,
} from './phases.ts';
import type { ProtectedItem } from './protected-item.ts';

/** Everything a person may ask for, of an item or of the job that works on it. */
export const OPERATIONS = [...new Set([...STARTS, ...INTENTS, 'runPreflight'] as const)];
export type Operation = Start | Intent | 'runPreflight';

type Subject = Pick<ProtectedItem, 'id' | 'name' | 'phase' | 'activeJobId'>;
type ActiveJob = Pick<Job, 'operation' | 'phase' | 'state'>;

/**
 * Why the operation is not possible now; `null` when it is. `job` is the one that works on the item, `null` when
 * none does. The HTTP actions ask the same question, so that nothing is offered that would be refused.
 */
export function refusalOf(
  operation: Operation,
  item: Subject,
  job: ActiveJob | null,
): ErrorRecord | null {
  if (operation === 'runPreflight') return refusePreflight(item);
  const isHeld = job !== null && !isTerminal(job.state);
  if (isHeld && isIntent(operation) && intentsOf(job).includes(operation)) return null;
  if (isHeld && isIntent(operation)) return notNow(operation, item.name, job.phase);
  if (isHeld && !(operation === 'unprotect' && isLetGoAtWork(job))) return heldBy(item);
  if (isStart(operation)) return refuseStart(operation, item);
  return errorRecord('FB-REQ-030', { intent: operation, itemName: item.name });
}

export function allowedOperations(item: Subject, job: ActiveJob | null): readonly Operation[] {
  return OPERATIONS.filter((operation) => refusalOf(operation, item, job) === null);
}

/** A rehearsal opens no gate; all that can be asked of it is to stop. */
export function intentsOf({ operation, phase, state }: ActiveJob): readonly Intent[] {
  if (isTerminal(state)) return [];
  const allowed = allowedIntents(phase);
  return operation === 'failback' ? allowed : allowed.filter((intent) => intent === 'cancel');
}

/** Whether the job ends with the care for its machine, instead of holding it. */
export function isLetGoAtWork({ operation, phase }: ActiveJob): boolean {
  return operation === 'failback' && LEFT_AT_WORK.includes(phase);
}

/** Why a start is refused in the item's phase, whoever works on it; `null` when it is not. */
export function refuseStart(
  operation: Start,
  { name: itemName, phase }: Pick<ProtectedItem, 'name' | 'phase'>,
): ErrorRecord | null {
  if (allowedStarts(phase).includes(operation)) return null;
  const values = { itemName, stage: stageOf(phase) };
  if (operation === 'unprotect') return errorRecord('FB-REQ-026', values);
  return errorRecord('FB-REQ-005', { operation, ...values });
}

export function notNow(intent: Operation, itemName: string, phase: Job['phase']): ErrorRecord {
  return errorRecord('FB-REQ-004', { intent, itemName, stage: stageOf(phase) });
}

function heldBy({ name: itemName, activeJobId }: Subject): ErrorRecord {
  return errorRecord('FB-REQ-003', { itemName, jobId: activeJobId ?? 'another job' });
}

function refusePreflight({ name, phase }: Subject): ErrorRecord | null {
  return STATE_MACHINE[phase].canPreflight ? null : notNow('runPreflight', name, phase);
}

function isIntent(operation: Operation): operation is Intent {
  return (INTENTS as readonly string[]).includes(operation);
}

function isStart(operation: Operation): operation is Start {
  return (STARTS as readonly string[]).includes(operation);
}
