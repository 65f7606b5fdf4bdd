import { describe, expect, it } from '@jest/globals';
import type { Job } from '../../../../shared/domain/job.ts';
import { type Phase, PHASES } from '../../../../shared/domain/phases.ts';
import {
  allowedOperations,
  type Operation,
  OPERATIONS,
  refusalOf,
} from '../../../../shared/domain/protected-item-operations.ts';
import { anItem, aJob } from '../../../support/memory/builders.ts';

/**
 * What docs/operating.md promises, phase by phase, written down a second time: at rest, and while a failback works
 * on the item.
 */
const PROMISED: Readonly<
  Record<Phase, { readonly atRest: readonly Operation[]; readonly running: readonly Operation[] }>
> = {
  failedOver: {
    atRest: ['failback', 'rehearsal', 'restart', 'update', 'unprotect', 'runPreflight'],
    running: ['failover', 'cancel', 'runPreflight'],
  },
  preparing: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['failover', 'cancel', 'runPreflight'],
  },
  initialReplication: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['failover', 'cancel', 'runPreflight'],
  },
  replicating: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['failover', 'cancel', 'runPreflight'],
  },
  shuttingDownSource: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['cancel', 'runPreflight'],
  },
  finalDelta: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['cancel', 'runPreflight'],
  },
  booting: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['cancel', 'runPreflight'],
  },
  bootFailed: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['resume', 'cancel', 'runPreflight'],
  },
  commitPending: {
    atRest: ['failback', 'resume', 'restart', 'runPreflight'],
    running: ['commit', 'cancel', 'runPreflight'],
  },
  committing: { atRest: ['failback', 'resume', 'unprotect'], running: [] },
  waitingForAgent: { atRest: ['failback', 'resume', 'unprotect'], running: ['unprotect'] },
  reverseReplicating: { atRest: ['failback', 'resume', 'unprotect'], running: ['unprotect'] },
  protected: { atRest: ['unprotect'], running: [] },
  rollingBack: {
    atRest: ['failback', 'resume', 'restart', 'unprotect', 'runPreflight'],
    running: ['runPreflight'],
  },
};

const pairs = PHASES.flatMap((phase) => OPERATIONS.map((operation) => ({ phase, operation })));

describe('every pair of states and operations', () => {
  it('covers all of them', () => {
    expect(OPERATIONS).toEqual([
      'failback',
      'rehearsal',
      'resume',
      'restart',
      'update',
      'unprotect',
      'failover',
      'commit',
      'cancel',
      'runPreflight',
    ]);
    expect(pairs).toHaveLength(14 * 10);
  });

  it.each(pairs)('$operation of an item at rest in $phase', ({ phase, operation }) => {
    const refusal = refusalOf(operation, anItem({ phase }), null);
    expect(refusal === null).toBe(PROMISED[phase].atRest.includes(operation));
    if (refusal === null) return;
    const isOfJob = ['failover', 'commit', 'cancel'].includes(operation);
    const expected = isOfJob ? 'FB-REQ-030' : 'FB-REQ-005';
    const own: Partial<Record<Operation, string>> = {
      runPreflight: 'FB-REQ-004',
      unprotect: 'FB-REQ-026',
    };
    expect(refusal.code).toBe(own[operation] ?? expected);
    expect(refusal.message).toContain('Web server 1');
    expect(refusal.message).not.toMatch(/\{\w+\}/);
  });

  it.each(pairs)('$operation while a failback works in $phase', ({ phase, operation }) => {
    const item = anItem({ phase, activeJobId: 'fb-1' });
    const refusal = refusalOf(operation, item, aJob({ phase }));
    expect(refusal === null).toBe(PROMISED[phase].running.includes(operation));
    if (refusal === null) return;
    const isStart = ['failback', 'rehearsal', 'restart', 'update', 'unprotect'].includes(operation);
    expect(refusal.code).toBe(isStart ? 'FB-REQ-003' : 'FB-REQ-004');
    expect(refusal.message).not.toMatch(/\{\w+\}/);
  });

  it.each(pairs)('$operation while a rehearsal shows $phase', ({ phase, operation }) => {
    const item = anItem({ activeJobId: 'rh-1' });
    const job = aJob({ operation: 'rehearsal', phase });
    const isStop = operation === 'cancel' && PROMISED[phase].running.includes('cancel');
    const isAllowed = refusalOf(operation, item, job) === null;
    expect(isAllowed).toBe(isStop || operation === 'runPreflight');
  });

  it.each(pairs)('$operation when the job has ended in $phase', ({ phase, operation }) => {
    const ended: Job = aJob({ phase, state: 'failed' });
    const item = anItem({ phase });
    expect(refusalOf(operation, item, ended)).toEqual(refusalOf(operation, item, null));
  });

  it.each(PHASES)('%s lists exactly what is not refused', (phase) => {
    const item = anItem({ phase });
    expect(new Set(allowedOperations(item, null))).toEqual(new Set(PROMISED[phase].atRest));
    expect(new Set(allowedOperations(item, aJob({ phase })))).toEqual(
      new Set(PROMISED[phase].running),
    );
  });
});
