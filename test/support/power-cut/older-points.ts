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

/** The work of a case, with something to be called at every instant of it. */
export async function playCase(
  play: Play,
  { before, work }: Case,
  fillIn = 0,
): Promise<readonly string[]> {
  let isAtWork = false;
  let steps: readonly string[] = [];
  const onCut: OnCut = async (disks, path) => {
    if (!isAtWork) return;
    ({ steps } = disks.room);
    await play.onCut(disks, path);
  };
  await withDisks({ ...play, onCut }, async (disks) => {
    await before(disks);
    isAtWork = true;
    disks.fillIn(fillIn);
    await work(disks);
  });
  return steps;
}

export const CASES: readonly Case[] = [
  {
    title: 'a point is sealed, and retention lets the oldest go',
    before: threePoints,
    work: async (disks) => disks.seal(),
  },
  {
    title: 'a point is sealed, and the oldest is pinned',
    before: async (disks) => {
      await threePoints(disks);
      disks.pin(2);
    },
    work: async (disks) => disks.seal(),
  },
  {
    title: 'a disk is repaired, and the oldest point is not pinned any more',
    before: async (disks) => fourPoints(disks, null),
    work: async (disks) => disks.seal(['os']),
  },
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
      await disks.abandon(false);
    },
    work: async (disks) => disks.makeRoom(2),
  },
  {
    title: 'a commit forgets the older points and what was never sealed',
    before: async (disks) => {
      await threePoints(disks);
      await disks.abandon(false);
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
