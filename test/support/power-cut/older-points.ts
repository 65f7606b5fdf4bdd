import { type OnCut, type Play, withDisks } from './play.ts';
import type { TwoDisks } from './two-disks.ts';

/** What becomes of older points: how it comes to it, and the work itself. */
interface Case {
  readonly title: string;
  readonly before: (disks: TwoDisks) => Promise<void>;
  readonly work: (disks: TwoDisks) => Promise<void>;
}

/** Points 1 to 3, then what the case does with them. */
async function threePoints(disks: TwoDisks): Promise<void> {
  await disks.open();
  for (let count = 0; count < 3; count += 1) await disks.seal();
}

async function fourPoints(disks: TwoDisks, age: number | null): Promise<void> {
  await threePoints(disks);
  disks.pin(2);
  await disks.seal();
  disks.pin(age);
}

/** What is played: something is called at every instant of the work. */
interface CasePlay extends Play {
  /** From this step of the work on the volume is full. */
  readonly fillIn?: number;
  /** The sync of the work with this number is left out. */
  readonly ignoredSync?: number;
}

interface Played {
  /** Paths that were written, or made durable, in turn: of the first operation, which is the one that is filled. */
  readonly steps: readonly string[];
  /** Paths that were made durable. */
  readonly syncs: readonly string[];
}

export async function playCase(
  { fillIn = 0, ignoredSync = 0, ...play }: CasePlay,
  { before, work }: Case,
): Promise<Played> {
  let [isAtWork, isFirst] = [false, true];
  let steps: readonly string[] = [];
  const syncs: string[] = [];
  const onCut: OnCut = async (disks, path) => {
    if (!isAtWork) return;
    if (isFirst) ({ steps } = disks.room);
    isFirst &&= path !== 'the end';
    await play.onCut(disks, path);
  };
  const isIgnored = (path: string): boolean => isAtWork && syncs.push(path) === ignoredSync;
  await withDisks({ ...play, onCut, isIgnored }, async (disks) => {
    await before(disks);
    isAtWork = true;
    disks.fillIn(fillIn);
    await work(disks);
  });
  return { steps, syncs };
}

export const SEAL_BESIDE_PIN: Case = {
  title: 'a point is sealed, and the oldest is pinned',
  before: async (disks) => {
    await threePoints(disks);
    disks.pin(2);
  },
  work: async (disks) => disks.seal(),
};

export const WITHDRAWAL: Case = {
  title: 'a sealed point that turned out to be damaged is taken back',
  before: async (disks) => {
    await threePoints(disks);
    await disks.sealDamaged();
  },
  work: async (disks) => disks.withdraw(),
};

/** Nothing is sent in them: they have few instants. */
export const SHORT_CASES: readonly Case[] = [
  {
    title: 'the disks go back to a pinned point',
    before: async (disks) => fourPoints(disks, 3),
    work: async (disks) => disks.rewind(3),
  },
  {
    title: 'room is made, and a point in the middle is pinned',
    before: async (disks) => fourPoints(disks, 1),
    work: async (disks) => disks.makeRoom(1),
  },
  {
    title: 'room is made, and there is something in the way of a transfer',
    before: async (disks) => {
      await fourPoints(disks, null);
      await disks.abandon();
    },
    work: async (disks) => disks.makeRoom(2),
  },
  {
    title: 'a commit forgets the older points and what was never sealed',
    before: async (disks) => {
      await threePoints(disks);
      await disks.abandon();
    },
    work: async (disks) => disks.forgetOlder(),
  },
  {
    title: 'a commit follows a way back',
    before: async (disks) => {
      await fourPoints(disks, 3);
      await disks.rewind(1);
    },
    work: async (disks) => disks.forgetOlder(),
  },
];

export const CASES: readonly Case[] = [
  {
    title: 'a point is sealed, and retention lets the oldest go',
    before: threePoints,
    work: async (disks) => disks.seal(),
  },
  {
    title: 'a disk is repaired, and the oldest point is not pinned any more',
    before: async (disks) => fourPoints(disks, null),
    work: async (disks) => disks.seal(['os']),
  },
  {
    title: 'a transfer is thrown away, and another one follows',
    before: async (disks) => {
      await threePoints(disks);
      await disks.abandon();
    },
    work: async (disks) => {
      await disks.discard();
      await disks.seal();
    },
  },
  SEAL_BESIDE_PIN,
  // Not among the short ones: what the attempt to apply it made durable before is written again on the way back.
  WITHDRAWAL,
  // Nor this: its first sync only matters after an attempt that failed.
  {
    title: 'a replication is forgotten',
    before: threePoints,
    work: async (disks) => disks.forget(),
  },
  ...SHORT_CASES,
];
