import { readFileSync, renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Random } from '../../../support/data-plane/random.ts';
import { must } from '../../../support/must.ts';
import { type JournalCode, recordJournal } from '../../../support/power-cut/journal-code.ts';
import {
  EVERYTHING,
  kindsOfSurvivors,
  NOTHING_UNSYNCED,
  someOf,
} from '../../../support/power-cut/nodes.ts';
import {
  playCase,
  SEAL_BESIDE_PIN,
  SHORT_CASES,
  WITHDRAWAL,
} from '../../../support/power-cut/older-points.ts';
import {
  afterCut,
  aHistory,
  expectRecovery,
  type OnCut,
  withDisks,
} from '../../../support/power-cut/play.ts';
import type { RecordingFiles } from '../../../support/power-cut/recorded-folder.ts';
import { diskFile, machineAt } from '../../../support/power-cut/machine.ts';
import { expectSurvival } from '../../../support/power-cut/survival.ts';
import type { TwoDisks } from '../../../support/power-cut/two-disks.ts';

/** Hundreds of recoveries, on a machine that may have other work. */
const HANGS_AFTER_MS = 600_000;
let files: RecordingFiles;
let code: JournalCode;

beforeAll(async () => {
  ({ files, code } = await recordJournal());
});
afterAll(() => {
  jest.restoreAllMocks();
});

describe('a power cut at any moment of a history', () => {
  it(
    'leaves both disks at one sealed point, and the way to every older one',
    async () => {
      let cuts = 0;
      const random = new Random(100);
      const onCut: OnCut = async (disks, path) => {
        cuts += 1;
        const kinds = [NOTHING_UNSYNCED, someOf(random), EVERYTHING];
        const one = must(kinds[cuts % kinds.length], 'a kind');
        // Few cuts are of these: all kinds of them.
        const isRare = ['the end', 'retention'].includes(path);
        for (const survivors of isRare ? kinds : [one]) {
          await expectRecovery(code, disks, { path, survivors });
        }
      };
      await withDisks({ code, files, seed: 1, onCut }, aHistory);
      expect(cuts).toBeGreaterThan(200);
    },
    HANGS_AFTER_MS,
  );
});

describe('what becomes of older points', () => {
  it.each([SEAL_BESIDE_PIN, WITHDRAWAL, ...SHORT_CASES])(
    'is whole after a power cut at any moment while $title',
    async (each) => {
      let cuts = 0;
      const kinds = kindsOfSurvivors(new Random(101));
      const onCut: OnCut = async (disks, path) => {
        cuts += 1;
        const one = must(kinds[cuts % kinds.length], 'a kind');
        // Of what has no transfer there are few cuts: all kinds of them.
        for (const survivors of disks.expected.transfer === null ? kinds : [one]) {
          await expectRecovery(code, disks, { path, survivors });
        }
      };
      await playCase({ code, files, seed: 2, onCut }, each);
      expect(cuts).toBeGreaterThan(2);
    },
  );
});

describe('a crash between two disks of a point', () => {
  /** Where the first disk is brought to the newest point, and the second one is not. */
  async function between(
    last: (disks: TwoDisks) => Promise<void>,
    look: (disks: TwoDisks, root: string) => Promise<void>,
  ): Promise<void> {
    let [isLast, looks] = [false, 0];
    const onCut: OnCut = async (disks, path) => {
      if (!isLast || path !== 'data.raw') return;
      looks += 1;
      await afterCut(disks, NOTHING_UNSYNCED, async (root) => look(disks, root));
    };
    await withDisks({ code, files, seed: 4, onCut }, async (disks) => {
      await disks.open();
      await disks.seal();
      await disks.seal();
      isLast = true;
      await last(disks);
    });
    expect(looks).toBe(1);
  }
  const ways: readonly (readonly [string, (disks: TwoDisks) => Promise<void>, number])[] = [
    ['a point is applied', async (disks) => disks.seal(), 1],
    ['the disks go back', async (disks) => disks.rewind(1), 1],
  ];

  it.each(ways)('is made good for both while %s', async (_name, last) => {
    await between(last, async (disks, root) => {
      const [before, after] = disks.expected.allowed;
      const holds = (diskId: string): Buffer => readFileSync(diskFile(root, diskId));
      expect(holds('os').equals(must(after?.at(-1)?.contents.get('os'), 'os'))).toBe(true);
      expect(holds('data').equals(must(before?.at(-1)?.contents.get('data'), 'data'))).toBe(true);
      await expectSurvival(code, root, disks.expected);
    });
  });

  it.each(['os', 'data'])('waits for %s where that is missing', async (diskId) => {
    for (const [, last] of ways) {
      await between(last, async (disks, root) => {
        const { folder } = machineAt(code, root);
        const file = diskFile(root, diskId);
        renameSync(file, `${file}.away`);
        const { pending, points } = await folder.journal();
        expect(pending).not.toBeNull();
        const newest = must(points.at(-1), 'a point').pointId;
        const oldest = must(points[0], 'a point').pointId;
        const missing = { code: 'FB-JRN-003' };
        await expect(code.applyPending(folder)).rejects.toMatchObject(missing);
        await expect(code.rewindTo(folder, oldest)).rejects.toMatchObject(missing);
        const { signal } = new AbortController();
        const proof = { folder, pointId: newest, sampleShare: 1, signal, onBytes: () => undefined };
        // Neither disk may boot before.
        await expect(code.verifyDisks(proof)).rejects.toMatchObject({ code: 'FB-JRN-006' });
        expect((await folder.journal()).pending).toEqual(pending);
        renameSync(`${file}.away`, file);
        await expectSurvival(code, root, disks.expected);
      });
    }
  });
});
