import { describe, expect, it } from '@jest/globals';
import { planTransfer, reconsider } from '../../../agents/process-server/plan.ts';
import type { HelloAnswer } from '../../../shared/contracts/transfer-protocol.ts';

type PlanInput = Parameters<typeof planTransfer>[0];

const SEALED = { snapshotName: 'snapshot-1', takenAt: '2026-11-01T00:00:00Z' };
const LANE = { start: 0, end: 65_536, watermark: 8192, isFinished: false };

/** Both sides have the base: the case in which a delta is right. */
function anInput(changes: Partial<PlanInput> = {}, answer: Partial<HelloAnswer> = {}): PlanInput {
  return {
    answer: { sealed: SEALED, isBlank: false, resume: null, creditBytes: 1, ...answer },
    asked: undefined,
    baseSnapshotName: 'snapshot-1',
    sizeBytes: 131_072,
    base: { isThere: true, refusal: undefined },
    refusedBase: null,
    ...changes,
  };
}

const GONE = { isThere: false, refusal: undefined };

describe('the plan of a transfer', () => {
  it.each([
    ['a delta when both sides have the base', anInput(), 'delta', 'base snapshot-1 is trusted'],
    ['a full copy when it is asked for', anInput({ asked: 'full' }), 'full', 'asked for'],
    ['a comparison when it is asked for', anInput({ asked: 'checksum' }), 'checksum', 'asked for'],
    [
      'a full copy at first, to an empty disk',
      anInput({}, { sealed: null, isBlank: true }),
      'full',
      'initial replication; the target is empty',
    ],
    [
      'a comparison at first, with a disk that holds something',
      anInput({}, { sealed: null }),
      'checksum',
      'initial replication; what the target holds is compared',
    ],
    [
      'a comparison when no base is known',
      anInput({ baseSnapshotName: undefined }),
      'checksum',
      'resynchronization: no base is known; what the target holds is compared',
    ],
    [
      'a comparison when the master target stands elsewhere',
      anInput({}, { sealed: { ...SEALED, snapshotName: 'snapshot-0' } }),
      'checksum',
      'resynchronization: the master target stands at another point than the base; what the target holds is compared',
    ],
    [
      'a comparison when the disk grew since, although both sides have the base',
      anInput({}, { grownFromBytes: 65_536 }),
      'checksum',
      'resynchronization: the disk grew from 65536 to 131072 bytes in Azure; what the target holds is compared',
    ],
    [
      'a comparison when the base is gone',
      anInput({ base: GONE }),
      'checksum',
      'resynchronization: the base snapshot is gone; what the target holds is compared',
    ],
    [
      'a comparison when the base is withheld, with the reason',
      anInput({ base: { isThere: false, refusal: 'the disk was replaced' } }),
      'checksum',
      'resynchronization: the disk was replaced; what the target holds is compared',
    ],
    [
      'a comparison when the storage refused the base',
      anInput({ refusedBase: 'the disk was recreated since the base snapshot' }),
      'checksum',
      'resynchronization: the disk was recreated since the base snapshot; what the target holds is compared',
    ],
    [
      'a comparison even if a delta is asked for, when there is no base for it',
      anInput({ asked: 'delta', base: GONE }),
      'checksum',
      'resynchronization: the base snapshot is gone; what the target holds is compared',
    ],
    [
      'a comparison that was begun',
      anInput({}, { resume: { mode: 'checksum', lanes: [LANE] } }),
      'checksum',
      'goes on with what was begun',
    ],
    [
      'a delta that was begun',
      anInput({}, { resume: { mode: 'delta', lanes: [LANE] } }),
      'delta',
      'base snapshot-1 is trusted',
    ],
  ])('is %s', (_name, input, mode, reason) => {
    expect(planTransfer(input)).toEqual({ mode, reason });
  });
});

describe('a delta over most of the disk', () => {
  const plan = { mode: 'delta', reason: 'base snapshot-1 is trusted' } as const;
  const share = {
    asked: undefined,
    changedBytes: 600,
    sizeBytes: 1000,
    baseTakenAt: '2026-11-01T00:00:00Z',
    nowMs: Date.parse('2026-11-03T00:00:00Z'),
  } as const;

  it('becomes a comparison when its base is old, and says so', () => {
    expect(reconsider(plan, share)).toEqual({
      mode: 'checksum',
      reason: '60 % were written since the base of 48 hours ago; blocks are compared',
    });
  });

  it.each([
    ['its base is young', { nowMs: Date.parse('2026-11-01T23:59:59Z') }],
    ['less than half was written', { changedBytes: 499 }],
    ['it was asked for', { asked: 'delta' }],
    ['the age of the base is not known', { baseTakenAt: undefined }],
  ] as const)('stays one when %s', (_name, changes) => {
    expect(reconsider(plan, { ...share, ...changes })).toBe(plan);
  });
});
