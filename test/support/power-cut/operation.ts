import type { Random } from '../data-plane/random.ts';
import type { JournalCode } from './journal-code.ts';
import type { Machine } from './machine.ts';
import type { RecordingFiles } from './recorded-folder.ts';
import type { Expected } from './survival.ts';
import type { TwoDisks } from './two-disks.ts';

export interface Options {
  readonly code: JournalCode;
  readonly files: RecordingFiles;
  readonly random: Random;
  /** Called wherever the power may go: before something is made durable, where there is no room, after operations. */
  readonly onCut: (disks: TwoDisks, path: string) => Promise<void>;
  readonly isIgnored: (path: string) => boolean;
}

/** Done again from the start after a power cut, as commands are. */
export interface Operation {
  readonly expected?: Partial<Expected>;
  readonly run: (machine: Machine) => Promise<void>;
  /** Retained points when it is done; absent = the command that follows matters, not this one. */
  readonly ends?: Expected['allowed'];
}
