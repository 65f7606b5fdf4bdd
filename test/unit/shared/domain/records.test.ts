import { describe, expect, it } from '@jest/globals';
import { invariant, InvariantViolation } from '../../../../shared/domain/assert.ts';
import { isTerminal, JOB_STATES } from '../../../../shared/domain/job.ts';
import { resolveRecoveryPoint, rpoSeconds } from '../../../../shared/domain/protected-item.ts';
import { anItem, POINTS } from '../../../support/memory/builders.ts';
import { must } from '../../../support/must.ts';

describe('the state of a job', () => {
  it.each([
    ['queued', false],
    ['running', false],
    ['waitingForOperator', false],
    ['succeeded', true],
    ['failed', true],
    ['cancelled', true],
  ] as const)('%s is an end: %s', (state, isEnd) => {
    expect(isTerminal(state)).toBe(isEnd);
    expect(JOB_STATES).toContain(state);
  });

  it('has six values', () => {
    expect(JOB_STATES).toHaveLength(6);
  });
});

describe('the recovery point objective', () => {
  const item = anItem({ lastRecoveryPointAt: '2026-03-01T12:00:00.000Z' });

  it.each([
    ['2026-03-01T12:00:00.000Z', 0],
    ['2026-03-01T12:05:00.400Z', 300],
    // The clock of the one who took the point may be ahead of ours.
    ['2026-03-01T11:59:00.000Z', 0],
  ])('at %s is %s seconds', (now, seconds) => {
    expect(rpoSeconds(item, new Date(now))).toBe(seconds);
  });

  it('is unknown before the first recovery point', () => {
    expect(rpoSeconds(anItem(), new Date())).toBeNull();
  });
});

describe('a recovery point by its name', () => {
  const item = anItem({ recoveryPoints: POINTS });

  it.each([
    ['latest', 2],
    ['latestApplicationConsistent', 1],
    ['fb-1-p0001', 0],
    ['fb-1-p0002', 1],
    ['fb-1-p0003', 2],
  ])('%s is the point number %s', (wanted, index) => {
    expect(resolveRecoveryPoint(item, wanted)).toEqual(POINTS[index]);
  });

  it('is the newest of several application-consistent ones', () => {
    const newer = { ...must(POINTS[1], 'the second point'), pointId: 'fb-1-p0004' };
    const recoveryPoints = [
      ...POINTS,
      newer,
      { ...must(POINTS[2], 'the third point'), pointId: 'fb-1-p0005' },
    ];
    const found = resolveRecoveryPoint({ recoveryPoints }, 'latestApplicationConsistent');
    expect(found).toEqual(newer);
  });

  it.each(['fb-1-p0009', 'FB-1-P0001', 'fb-1-p000', ''])('%j is none of them', (wanted) => {
    expect(resolveRecoveryPoint(item, wanted)).toBeNull();
  });

  it('is none where no point is application-consistent', () => {
    const recoveryPoints = [must(POINTS[0], 'the first point'), must(POINTS[2], 'the third point')];
    expect(resolveRecoveryPoint({ recoveryPoints }, 'latestApplicationConsistent')).toBeNull();
  });

  it.each(['latest', 'latestApplicationConsistent', 'fb-1-p0001'])(
    '%s is none for an item of an earlier version, which has no points',
    (wanted) => {
      expect(resolveRecoveryPoint({}, wanted)).toBeNull();
      expect(resolveRecoveryPoint({ recoveryPoints: [] }, wanted)).toBeNull();
    },
  );
});

describe('an invariant', () => {
  it('breaks with its words when it does not hold, and is silent when it does', () => {
    expect(() => invariant(false, 'two and two')).toThrow(new InvariantViolation('two and two'));
    expect(() => invariant(true, 'two and two')).not.toThrow();
  });
});
