import { describe, expect, it } from '@jest/globals';
import { planTransfer } from '../../../agents/process-server/plan.ts';
import type { HelloAnswer } from '../../../shared/contracts/transfer-protocol.ts';

type PlanInput = Parameters<typeof planTransfer>[0];

/** Both sides have the base: the case in which a delta is right. */
function anInput(changes: Partial<PlanInput> = {}, answer: Partial<HelloAnswer> = {}): PlanInput {
  return {
    answer: { sealedSnapshotName: 'snapshot-1', isBlank: false, resume: null, ...answer },
    asked: undefined,
    baseSnapshotName: 'snapshot-1',
    hasBase: true,
    refusedBase: null,
    ...changes,
  };
}

describe('the plan of a transfer', () => {
  it.each([
    ['a delta when both sides have the base', anInput(), 'delta', 'base snapshot-1 is trusted'],
    ['a delta when it is asked for', anInput({ asked: 'delta' }), 'delta', 'asked for'],
    ['a full copy when it is asked for', anInput({ asked: 'full' }), 'full', 'asked for'],
    [
      'a full copy at first',
      anInput({}, { sealedSnapshotName: null }),
      'full',
      'initial replication',
    ],
    [
      'a full copy when no base is known',
      anInput({ baseSnapshotName: undefined }),
      'full',
      'no base is known',
    ],
    [
      'a full copy when the master target stands elsewhere',
      anInput({}, { sealedSnapshotName: 'snapshot-0' }),
      'full',
      'resynchronization: the master target stands at another point than the base',
    ],
    [
      'a full copy when the base is gone',
      anInput({ hasBase: false }),
      'full',
      'resynchronization: the base snapshot is gone',
    ],
    [
      'a full copy when the storage refused the base',
      anInput({ refusedBase: 'the disk was recreated since the base snapshot' }),
      'full',
      'resynchronization: the disk was recreated since the base snapshot',
    ],
    [
      'a full copy even if a delta is asked for, when there is no base for it',
      anInput({ asked: 'delta', hasBase: false }),
      'full',
      'resynchronization: the base snapshot is gone',
    ],
    [
      'the refusal as the reason even if a full copy is asked for',
      anInput({ asked: 'full', refusedBase: 'the base snapshot is gone' }),
      'full',
      'resynchronization: the base snapshot is gone',
    ],
  ])('is %s', (_name, input, mode, reason) => {
    expect(planTransfer(input)).toEqual({ mode, reason, from: 0 });
  });

  it('goes on at the watermark of the same mode', () => {
    const resume = { watermark: 8192, mode: 'delta', isFinished: false } as const;
    expect(planTransfer(anInput({}, { resume })).from).toBe(8192);
  });

  it('begins again when what was received came in another mode', () => {
    const resume = { watermark: 8192, mode: 'full', isFinished: false } as const;
    expect(planTransfer(anInput({}, { resume })).from).toBe(0);
  });
});
