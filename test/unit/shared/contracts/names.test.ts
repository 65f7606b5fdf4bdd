import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  identifierSchema,
  sectorBytesSchema,
  timestampSchema,
} from '../../../../shared/contracts/json.ts';
import {
  commandEventName,
  commandId,
  jobInstanceId,
  partInstanceId,
  pointId,
  rehearsalReplicationId,
  reverseReplicationInstanceId,
} from '../../../../shared/contracts/orchestrations.ts';

describe('an identifier', () => {
  it.each(['a', '7', 'web-01', 'A_b-C', 'x'.repeat(80), 'a--b'])('may be %s', (text) => {
    expect(identifierSchema.safeParse(text).success).toBe(true);
  });

  it.each([
    '',
    '-a',
    'a-',
    '_a',
    'a_',
    'a.b',
    'a/b',
    'a\\b',
    'a b',
    '../x',
    'ä',
    'a\n',
    "a'b",
    'a#b',
    'a?b',
    'x'.repeat(81),
  ])('may not be %j', (text) => {
    expect(identifierSchema.safeParse(text).success).toBe(false);
  });

  it('is refused as soon as it holds what a table key or a file name would not take', () => {
    const valid = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,30}[A-Za-z0-9])?$/);
    // Forbidden in keys of Azure tables, in file names of Windows, or in names of resources.
    const forbidden = ['/', '\\', '#', '?', '%', ':', '*', '"', '<', '>', '|', '.', ' '];
    const unprintable = ['\t', '\n', '\r', '\0', '\u0085', '\u2028', 'é', '😀'];
    const bad = fc.constantFrom(...forbidden, ...unprintable);
    fc.assert(
      fc.property(valid, bad, fc.nat(), (text, character, place) => {
        const at = place % (text.length + 1);
        expect(identifierSchema.safeParse(text).success).toBe(true);
        const spoilt = `${text.slice(0, at)}${character}${text.slice(at)}`;
        expect(identifierSchema.safeParse(spoilt).success).toBe(false);
      }),
      { numRuns: 500, seed: 3 },
    );
  });
});

describe('a number of bytes', () => {
  it.each([0, 512, 2 ** 45])('may be %s', (bytes) => {
    expect(sectorBytesSchema.parse(bytes)).toBe(bytes);
  });

  it.each([-512, 1, 511.5, Number.NaN, Infinity, 2 ** 53, '512'])('may not be %s', (bytes) => {
    expect(sectorBytesSchema.safeParse(bytes).success).toBe(false);
  });
});

describe('a time', () => {
  it.each(['2026-03-01T12:00:00.000Z', '2026-03-01T12:00:00+02:00'])('may be %s', (text) => {
    expect(timestampSchema.parse(text)).toBe(text);
  });

  it.each(['2026-03-01', '2026-13-01T00:00:00Z', 'now', 5])('may not be %s', (text) => {
    expect(timestampSchema.safeParse(text).success).toBe(false);
  });
});

describe('the names of orchestrations', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,78}[A-Za-z0-9])?$/);

  it('are made from the job: a job that ends does not stand in the way of the next one', () => {
    expect(jobInstanceId('fb-1', 'failback')).toBe('fb-1-failback');
    expect(jobInstanceId('rh-1', 'rehearsal')).toBe('rh-1-rehearsal');
  });

  it('differ between jobs, and between items', () => {
    fc.assert(
      fc.property(id, id, (one, other) => {
        fc.pre(one !== other);
        const jobs = [one, other].map((jobId) => jobInstanceId(`fb-${jobId}`, 'failback'));
        const names = [...jobs, ...[one, other].map(reverseReplicationInstanceId)];
        expect(new Set(names).size).toBe(names.length);
        // Azure refuses these in instance ids.
        for (const name of names) expect(name).not.toMatch(/[/\\#?\p{Cc}]|^@/u);
        expect(names.every((name) => name.length <= 100)).toBe(true);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('never give a rehearsal the disks of its item', () => {
    fc.assert(
      fc.property(id, (itemId) => {
        expect(rehearsalReplicationId(itemId)).not.toBe(itemId);
      }),
      { numRuns: 100, seed: 6 },
    );
  });
});

describe('the id of a command', () => {
  it('has the job before its first dot, which is the partition it is kept in', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^(?:fb|rh)-[a-z0-9]{8}-[a-f0-9]{6}$/),
        fc.stringMatching(/^[a-z0-9-]{1,40}$/),
        (job, step) => {
          const command = commandId(job, step);
          expect(command.split('.', 1)).toEqual([job]);
          expect(command.slice(command.indexOf('.') + 1)).toBe(step);
        },
      ),
      { numRuns: 100, seed: 9 },
    );
  });

  it('is what the event that wakes the waiting part is named after', () => {
    expect(commandEventName(commandId('fb-1', 'seal-1'))).toBe('command:fb-1.seal-1');
  });
});

describe('the parts of a job', () => {
  it('have the job in their name', () => {
    expect(partInstanceId('fb-1', 'commit')).toBe('fb-1-commit');
  });

  it('name recovery points that sort by their cycle', () => {
    const points = [1, 2, 10, 100, 9999].map((cycle) => pointId('fb-1', cycle));
    expect(points.toSorted()).toEqual(points);
    for (const point of points) expect(identifierSchema.safeParse(point).success).toBe(true);
  });
});
