import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { RecoveryPoint } from '../../../../shared/domain/protected-item.ts';
import {
  commonPoint,
  MAX_GROUP_SKEW_MS,
  type PlanDefinition,
  pointOfGroup,
  problemsOfPlan,
} from '../../../../shared/domain/recovery-plan.ts';
import { aDefinition, WEBHOOK } from '../../../support/memory/plan-builders.ts';

const group = (
  id: string,
  itemIds: readonly string[],
  more: Partial<PlanDefinition['groups'][number]> = {},
): PlanDefinition['groups'][number] => ({
  id,
  name: id,
  itemIds,
  maxParallel: 1,
  preActions: [],
  postActions: [],
  pauseAfter: null,
  ...more,
});

const KNOWN = new Set(['a', 'b', 'c']);

describe('a recovery plan', () => {
  it('may have every machine once', () => {
    const definition = aDefinition({
      groups: [group('one', ['a', 'b']), group('two', ['c'])],
      replicationGroups: [{ id: 'r', itemIds: ['a', 'c'] }],
    });
    expect(problemsOfPlan(definition, KNOWN)).toEqual([]);
  });

  it.each<[string, Partial<PlanDefinition>]>([
    ['the machine a is in more than one group', { groups: [group('g', ['a', 'a'])] }],
    ['the machine a is in more than one group', { groups: [group('g', ['a']), group('h', ['a'])] }],
    ['there is no protected item x', { groups: [group('g', ['x'])] }],
    ['the group g is there twice', { groups: [group('g', ['a']), group('g', ['b'])] }],
    [
      'the action dns is there twice',
      { groups: [group('g', ['a'], { preActions: [WEBHOOK], postActions: [WEBHOOK] })] },
    ],
    [
      'the replication group r is there twice',
      {
        groups: [group('g', ['a', 'b', 'c'])],
        replicationGroups: [
          { id: 'r', itemIds: ['a'] },
          { id: 'r', itemIds: ['b'] },
        ],
      },
    ],
    [
      'the machine a is in more than one replication group',
      {
        groups: [group('g', ['a', 'b', 'c'])],
        replicationGroups: [
          { id: 'r', itemIds: ['a', 'b'] },
          { id: 's', itemIds: ['a', 'c'] },
        ],
      },
    ],
    [
      'the machine b of a replication group is in no group of the plan',
      { groups: [group('g', ['a'])], replicationGroups: [{ id: 'r', itemIds: ['a', 'b'] }] },
    ],
  ])('is refused because %s', (problem, changes) => {
    expect(problemsOfPlan(aDefinition(changes), KNOWN)).toEqual([problem]);
  });
});

const point = (groupPointId: string, atMs: number, more: object = {}): RecoveryPoint => ({
  pointId: `p-${groupPointId}-${atMs}`,
  takenAt: new Date(atMs).toISOString(),
  consistency: 'applicationConsistent',
  groupPointId,
  ...more,
});

describe('the common point of a replication group', () => {
  it('is the newest that all have', () => {
    const one = { id: 'a', recoveryPoints: [point('g1', 0), point('g2', 1000), point('g3', 2000)] };
    const other = { id: 'b', recoveryPoints: [point('g1', 5), point('g2', 1005)] };
    expect(commonPoint([one, other])).toBe('g2');
    expect(pointOfGroup(other, 'g2')?.takenAt).toBe(new Date(1005).toISOString());
  });

  it.each([
    ['one has none', []],
    ['one got it crash-consistent only', [point('g1', 0, { consistency: 'crashConsistent' })]],
    ['the points have nothing to do with each other', [point('g2', 0)]],
    ['the snapshots are too far apart', [point('g1', MAX_GROUP_SKEW_MS + 1)]],
  ])('is none when %s', (_why, recoveryPoints) => {
    const one = { id: 'a', recoveryPoints: [point('g1', 0)] };
    expect(commonPoint([one, { id: 'b', recoveryPoints }])).toBeNull();
  });

  it('still is one at the largest distance that counts as one instant', () => {
    const one = { id: 'a', recoveryPoints: [point('g1', 0)] };
    const other = { id: 'b', recoveryPoints: [point('g1', MAX_GROUP_SKEW_MS)] };
    expect(commonPoint([one, other])).toBe('g1');
  });

  it('is none of nobody', () => {
    expect(commonPoint([])).toBeNull();
  });

  it('is in the list of every member, and no newer one is, whatever they have', () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 4 }), (members) => {
        const items = members.map((ids, index) => ({
          id: String(index),
          recoveryPoints: ids.toSorted((a, b) => a - b).map((id) => point(`g${id}`, id * 100_000)),
        }));
        const all = [...Array(10).keys()].filter((id) => members.every((ids) => ids.includes(id)));
        const newest = all.at(-1);
        expect(commonPoint(items)).toBe(newest === undefined ? null : `g${newest}`);
      }),
      { numRuns: 300, seed: 11 },
    );
  });
});
