import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  agreeOnPoint,
  type ReplicationGroupRecord,
} from '../../../../shared/domain/replication-group.ts';
import { must } from '../../../support/must.ts';

const START = Date.parse('2026-03-01T12:00:00.000Z');
const CYCLE_SECONDS = 60;
const poll = (atMs: number) => ({
  now: new Date(START + atMs),
  intervalMinutes: 30,
  cycleIntervalSeconds: CYCLE_SECONDS,
});
const fresh: ReplicationGroupRecord = { id: 'g', proposal: null, proposals: 0 };

describe('the common instant of a replication group', () => {
  it('is proposed by whoever asks first, three pauses ahead, and nobody waits that long', () => {
    const { record, take } = agreeOnPoint(fresh, poll(0));
    expect(record).toEqual({
      id: 'g',
      proposal: { groupPointId: 'g-g0001', at: new Date(START + 180_000).toISOString() },
      proposals: 1,
    });
    expect(take).toBeNull();
  });

  it.each([
    [59_999, false],
    [60_000, true],
    [179_999, true],
    [180_000, false],
  ])('is waited for %d ms after it was proposed: %s', (atMs, isWaited) => {
    const { record } = agreeOnPoint(fresh, poll(0));
    expect(agreeOnPoint(record, poll(atMs)).take !== null).toBe(isWaited);
  });

  it('is proposed again when the interval has passed since the last one, not before', () => {
    const { record } = agreeOnPoint(fresh, poll(0));
    const again = 180_000 + 30 * 60_000;
    expect(agreeOnPoint(record, poll(again - 1)).record).toBe(record);
    expect(agreeOnPoint(record, poll(again)).record.proposal?.groupPointId).toBe('g-g0002');
  });

  it('is met by every member whose cycles are no longer than the pause between them', () => {
    const member = fc.record({
      offsetMs: fc.integer({ min: 0, max: 60_000 }),
      cycleMs: fc.integer({ min: 1, max: 60_000 }),
    });
    fc.assert(
      fc.property(fc.array(member, { minLength: 2, maxLength: 5 }), (members) => {
        let record = fresh;
        const taken: (string | undefined)[] = members.map(() => undefined);
        const nextPoll = members.map(({ offsetMs }) => offsetMs);
        for (let round = 0; round < 60 && taken.includes(undefined); round += 1) {
          const who = nextPoll.indexOf(Math.min(...nextPoll));
          const { cycleMs } = must(members[who], 'the member');
          const agreed = agreeOnPoint(
            record,
            poll(must(nextPoll[who], 'the next poll of the member')),
          );
          ({ record } = agreed);
          if (agreed.take !== null) taken[who] ??= agreed.take.groupPointId;
          const from =
            agreed.take === null
              ? must(nextPoll[who], 'the next poll of the member')
              : Date.parse(agreed.take.at) - START;
          nextPoll[who] = from + cycleMs + CYCLE_SECONDS * 1000;
        }
        expect(taken).toEqual(members.map(() => 'g-g0001'));
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
