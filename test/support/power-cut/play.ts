import { rmSync } from 'node:fs';
import { Random } from '../data-plane/random.ts';
import type { JournalCode } from './journal-code.ts';
import type { Survivors } from './nodes.ts';
import type { RecordingFiles } from './recorded-folder.ts';
import { newRoot } from './machine.ts';
import { expectSurvival } from './survival.ts';
import { TwoDisks } from './two-disks.ts';

export type OnCut = (disks: TwoDisks, path: string) => Promise<void>;

export interface Play {
  readonly code: JournalCode;
  readonly files: RecordingFiles;
  readonly seed: number;
  readonly onCut: OnCut;
  /** What is made durable without effect. */
  readonly isIgnored?: (path: string) => boolean;
}

export async function withDisks(
  play: Play,
  work: (disks: TwoDisks) => Promise<void>,
): Promise<void> {
  const { seed, isIgnored = () => false, ...parts } = play;
  const disks = new TwoDisks({
    ...parts,
    random: new Random(seed),
    isIgnored,
  });
  try {
    await work(disks);
  } finally {
    disks.dispose();
  }
}

/** What a cut leaves right now, in a folder of its own. */
export async function afterCut(
  disks: TwoDisks,
  survivors: Survivors,
  look: (root: string) => Promise<void>,
): Promise<void> {
  const root = newRoot();
  try {
    disks.recorded.surviveInto(root, survivors);
    await look(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Throws an error that begins with "The power goes before". */
export async function expectRecovery(
  code: JournalCode,
  disks: TwoDisks,
  { path, survivors }: { readonly path: string; readonly survivors: Survivors },
): Promise<void> {
  const { expected } = disks;
  const isCutShort = expected.transfer !== null;
  // As it is left, and as it is after the command came again; a transfer must only become whole.
  const looks = isCutShort ? [true] : expected.repeat === null ? [false] : [false, true];
  try {
    for (const isRepeated of looks) {
      await afterCut(disks, survivors, async (root) =>
        expectSurvival(code, root, expected, isRepeated),
      );
    }
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new Error(`The power goes before ${path} is made durable: ${reason}`, { cause: error });
  }
}

/** Everything that happens to a machine, once. */
export async function aHistory(disks: TwoDisks): Promise<void> {
  await disks.open();
  await disks.seal();
  await disks.seal();
  await disks.abandon();
  await disks.seal();
  await disks.seal(['data']);
  await disks.abandon();
  await disks.discard();
  await disks.rewind(2);
  await disks.seal();
  await disks.rewind(1);
  await disks.rewind(1);
  await disks.seal();
  await disks.forget();
}
