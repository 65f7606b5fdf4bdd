import { describe, expect, it } from '@jest/globals';
import {
  lossBehind,
  refusalBySource,
  sourceLossOf,
} from '../../../../shared/domain/source-state.ts';
import { errorRecord } from '../../../../shared/errors/failback-error.ts';
import { anItem, NOW } from '../../../support/memory/builders.ts';

const azure = (values: Record<string, string | number>) =>
  errorRecord('FB-AZ-001', { operation: 'read', code: 'X', detail: '', ...values });
const kept = (activity: string) => errorRecord('FB-ORC-001', { activity, reason: 'busy' });

describe('a cycle that failed', () => {
  it.each([
    ['because Azure knows no such VM', azure({ status: 404 }), 'gone'],
    ['because a snapshot was deleted', errorRecord('FB-AZ-004', { snapshotName: 's' }), 'gone'],
    ['because the VM has other disks', errorRecord('FB-AZ-009', { vmName: 'w' }), 'changed'],
    ['because the VM lost a disk', errorRecord('FB-AZ-010', { vmName: 'w' }), 'gone'],
    ['because snapshots could not be taken for all retries', kept('takeSnapshots'), 'unreachable'],
    ['because Azure refuses', azure({ status: 403, code: 'AuthorizationFailed' }), null],
    ['because Azure says no, without a status', azure({ code: 'NotFound' }), null],
    ['because our own tables were away', kept('recordCycle'), null],
    ['because a disk of the site failed', errorRecord('FB-JRN-004'), null],
    ['because somebody cancelled', errorRecord('FB-ORC-005'), null],
  ])('%s', (_why, error, kind) => {
    expect(lossBehind(error)).toBe(kind);
  });

  it('is shown for as long as the machine replicates, and not behind its failover', () => {
    const sourceLoss = { since: NOW, kind: 'gone', error: errorRecord('FB-SRC-001') } as const;
    expect(sourceLossOf({ phase: 'replicating', sourceLoss })).toBe(sourceLoss);
    expect(sourceLossOf({ phase: 'commitPending', sourceLoss })).toBeNull();
    expect(sourceLossOf({ phase: 'replicating' })).toBeNull();
  });
});

describe('a failover', () => {
  it.each([
    ['there', 'latest', false, null],
    ['there', 'latestProcessed', false, null],
    ['gone', 'latest', true, 'FB-SRC-003'],
    ['gone', 'latestProcessed', false, null],
    ['gone', 'fb-1-p0001', false, null],
    ['changed', 'latest', true, 'FB-SRC-008'],
    ['changed', 'latestProcessed', true, 'FB-SRC-008'],
    ['changed', 'fb-1-p0001', true, 'FB-SRC-008'],
    ['incomplete', 'latest', false, 'FB-SRC-003'],
    ['incomplete', 'latestProcessed', false, null],
    ['unreachable', 'latest', true, 'FB-SRC-003'],
    ['unreachable', 'latestProcessed', false, 'FB-SRC-004'],
    ['unreachable', 'latestApplicationConsistent', false, 'FB-SRC-004'],
    ['unreachable', 'fb-1-p0001', true, null],
  ] as const)(
    'while the VM is %s, to %s (consent: %s), is answered with %s',
    (state, recoveryPoint, isUnreachableAccepted, code) => {
      const wanted = { recoveryPoint, isUnreachableAccepted };
      const refusal = refusalBySource(anItem(), { state, reason: 'so' }, wanted);
      expect(refusal?.code ?? null).toBe(code);
    },
  );
});
