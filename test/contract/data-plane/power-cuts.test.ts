import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { Random } from '../../support/data-plane/random.ts';
import { must } from '../../support/must.ts';
import { type JournalCode, recordJournal } from '../../support/power-cut/journal-code.ts';
import {
  EVERYTHING,
  kindsOfSurvivors,
  NO_REMOVALS,
  NOTHING_UNSYNCED,
} from '../../support/power-cut/nodes.ts';
import { CASES, playCase, SHORT_CASES } from '../../support/power-cut/older-points.ts';
import {
  afterCut,
  aHistory,
  expectRecovery,
  type OnCut,
  withDisks,
} from '../../support/power-cut/play.ts';
import type { RecordingFiles } from '../../support/power-cut/recorded-folder.ts';
import type { TwoDisks } from '../../support/power-cut/two-disks.ts';

/** More of them find more: POWER_CUT_RUNS=200. */
const RUNS = Number(process.env['POWER_CUT_RUNS'] ?? 10);
const TIMEOUT_MS = RUNS * 60_000;
/** One of so many cuts of a random run is looked at. */
const LOOK_AT_ONE_OF = 4;
const FILL_AT_ONE_OF = 29;
const NO_LOOK: OnCut = async () => undefined;

const STEPS = {
  seal: async (disks) => disks.seal(),
  repair: async (disks) => disks.seal(['os']),
  abandon: async (disks) => disks.abandon(),
  discard: async (disks) => disks.discard(),
  rewind: async (disks, random) => disks.rewind(1 + random.below(2)),
  pin: async (disks, random) => disks.pin(random.below(4)),
  unpin: async (disks) => disks.pin(null),
  makeRoom: async (disks, random) => disks.makeRoom(1 + random.below(3)),
  forgetOlder: async (disks) => disks.forgetOlder(),
  forget: async (disks) => disks.forget(),
} satisfies Readonly<Record<string, (disks: TwoDisks, random: Random) => Promise<void>>>;
const KINDS = Object.keys(STEPS) as readonly (keyof typeof STEPS)[];
const OFTEN = ['seal', 'seal', 'seal', 'abandon', 'pin', 'rewind', 'makeRoom'] as const;

let files: RecordingFiles;
let code: JournalCode;

beforeAll(async () => {
  ({ files, code } = await recordJournal());
});
afterAll(() => {
  jest.restoreAllMocks();
});

describe('power cuts in the middle of random work', () => {
  const step = fc.record({
    kind: fc.constantFrom(...OFTEN, ...KINDS),
    /** The volume is full from this step on, if there are so many. */
    fillIn: fc.oneof(fc.constant(0), fc.nat(120)),
    /** Cut at this sync, if there are so many; the work goes on with what is left. */
    cutIn: fc.nat(40),
  });

  it(
    'lose nothing that was sealed, and the same commands end the same',
    async () => {
      const property = fc.asyncProperty(
        fc.integer(),
        fc.array(step, { minLength: 3, maxLength: 8 }),
        async (seed, steps) => {
          const random = new Random(seed);
          const kinds = kindsOfSurvivors(random);
          const onCut: OnCut = async (disks, path) => {
            if (random.below(LOOK_AT_ONE_OF) > 0) return;
            const survivors = must(kinds[random.below(kinds.length)], 'a kind');
            await expectRecovery(code, disks, { path, survivors });
          };
          await withDisks({ code, files, seed, onCut }, async (disks) => {
            await disks.open();
            for (const { kind, cutIn, fillIn } of steps) {
              disks.cutIn(cutIn);
              disks.fillIn(fillIn);
              await STEPS[kind](disks, random);
              if (kind === 'forget') return;
            }
          });
        },
      );
      await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
    },
    TIMEOUT_MS,
  );
});

describe('staged files that are thrown away', () => {
  it(
    'are never taken for those of another transfer, whichever of them a cut leaves',
    async () => {
      const random = new Random(7);
      const onCut: OnCut = async (disks, path) => {
        if (!path.endsWith('/staged')) return;
        for (const survivors of kindsOfSurvivors(random).slice(1)) {
          await expectRecovery(code, disks, { path, survivors });
        }
      };
      await withDisks({ code, files, seed: 1, onCut }, aHistory);
    },
    TIMEOUT_MS,
  );
});

describe('a full volume, and a power cut after it', () => {
  /** Where it matters most that a step failed: names are changed, and not durable. The others by chance. */
  function chosen(steps: readonly string[]): readonly number[] {
    const numbers = steps.map((_path, index) => index + 1);
    const isName = (number: number): boolean =>
      /^retention(\/web-01(\/manifests|\/staged)?)?$/.test(steps[number - 1] ?? '');
    return numbers.filter((number) => isName(number) || number % FILL_AT_ONE_OF === 1);
  }

  it.each(CASES)(
    'leave what can go on while $title',
    async (each) => {
      const random = new Random(9);
      const kinds = kindsOfSurvivors(random);
      const { steps } = await playCase({ code, files, seed: 2, onCut: NO_LOOK }, each);
      for (const fillIn of chosen(steps)) {
        let wasFull = false;
        const onCut: OnCut = async (disks, path) => {
          const isFirst = !wasFull && disks.room.wasFull;
          wasFull ||= disks.room.wasFull;
          // A way back has few instants: whatever is durable at each of them must be enough.
          const isLong = disks.expected.transfer !== null && !path.endsWith('staged');
          if (!wasFull || (isLong && !isFirst && random.below(2 * LOOK_AT_ONE_OF) > 0)) return;
          const ofShort = path.endsWith('staged') ? NO_REMOVALS : NOTHING_UNSYNCED;
          // What is being forgotten has few instants, too, and files that go before their folder's new name is durable.
          const isGoing = disks.expected.whenGone === 'nothing is left';
          const chance = must(kinds[random.below(kinds.length)], 'a kind');
          for (const survivors of isGoing ? kinds : [isLong ? chance : ofShort]) {
            await expectRecovery(code, disks, { path, survivors });
          }
        };
        await playCase({ code, files, seed: 2, onCut, fillIn }, each);
        expect(wasFull).toBe(true);
      }
    },
    TIMEOUT_MS,
  );
});

describe('a sync that is left out', () => {
  /** Others stand in for these: they only matter after an attempt that failed, or for the transfer that follows. */
  const isSpare = (path: string, index: number): boolean =>
    index === 0 || /(manifests|staged)$/.test(path);

  it.each(SHORT_CASES)(
    'is seen, whichever it is, while $title',
    async (each) => {
      const { syncs } = await playCase({ code, files, seed: 2, onCut: NO_LOOK }, each);
      for (const [index, left] of syncs.entries()) {
        if (isSpare(left, index)) continue;
        let cuts = 0;
        const kinds = kindsOfSurvivors(new Random(5));
        const onCut: OnCut = async (disks, path) => {
          cuts += 1;
          if (cuts <= index + 1) return;
          for (const survivors of kinds) await expectRecovery(code, disks, { path, survivors });
        };
        const play = { code, files, seed: 2, onCut, ignoredSync: index + 1 };
        await expect(playCase(play, each)).rejects.toThrow('The power goes before');
      }
    },
    TIMEOUT_MS,
  );
});

describe('the record of what is durable', () => {
  const onRecoveredCut: OnCut = async (disks, path) =>
    expectRecovery(code, disks, { path, survivors: NOTHING_UNSYNCED });

  /** Names and bytes of everything in a folder, but for the paths in records. */
  function all(root: string): Record<string, string> {
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
    const contents = names.map((name) => {
      const file = join(root, name);
      return statSync(file).isDirectory() ? 'folder' : readFileSync(file, 'base64');
    });
    return Object.fromEntries(
      names.map((name, index) => [
        name,
        /\.json(\.new)?$/.test(name) ? '' : (contents[index] ?? ''),
      ]),
    );
  }

  it('has everything that was done to the files', async () => {
    const onCut: OnCut = async (disks) =>
      afterCut(disks, EVERYTHING, async (root) => {
        expect(all(root)).toEqual(all(disks.recorded.root));
      });
    await withDisks({ code, files, seed: 5, onCut }, aHistory);
  });

  it.each([
    ['the redo', /\.redo$/],
    ['the undo', /\.undo$/],
    ['the new digests', /\.next$/],
    ['the first disk', /^os\.raw$/],
    ['the second disk', /^data\.raw$/],
    ['the manifests', /manifests\/\w+\.bin$/],
    ['what Azure holds', /\.replica\.bin\.new$/],
    ['the journal', /journal\.json\.new$/],
    ['the disks of the replication', /replication\.json\.new$/],
    ['the names of replications', /^retention$/],
    ['the names of a replication', /^retention\/web-01$/],
    ['the names of staged files', /staged$/],
    ['the names of manifests', /manifests$/],
    ['the names of points', /points$/],
    ['the names of files of a point', /point-\d+$/],
  ])('would show that %s is not made durable', async (_name, paths) => {
    const isIgnored = (path: string): boolean => paths.test(path);
    const history = withDisks({ code, files, seed: 6, onCut: onRecoveredCut, isIgnored }, aHistory);
    await expect(history).rejects.toThrow('The power goes before');
  });

  it('is not needed of what is staged and how far a lane is: where they are lost, it comes again', async () => {
    const isIgnored = (path: string): boolean => /staged\/\w+(\.\d)?\.json\.new$/.test(path);
    await withDisks({ code, files, seed: 6, onCut: onRecoveredCut, isIgnored }, aHistory);
  });
});
