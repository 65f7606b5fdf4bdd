import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReplicationFolder } from '../../../agents/master-target/replication-folder.ts';
import { BLOCK_BYTES } from '../../../shared/domain/page-ranges.ts';
import type { Random } from '../data-plane/random.ts';
import { must } from '../must.ts';
import type { JournalCode } from './journal-code.ts';
import { someOf } from './nodes.ts';
import { PowerCut, RecordedFolder, type RecordingFiles } from './recorded-folder.ts';
import {
  diskFile,
  type Expected,
  folderIn,
  MAX_POINTS,
  pointsOf,
  recover,
  seal,
} from './survival.ts';
import {
  comparison,
  type Contents,
  delta,
  type ModelPoint,
  send,
  type Transfer,
  firstCopy,
} from './transfer.ts';

const SIZES: Readonly<Record<string, number>> = {
  os: 2 * BLOCK_BYTES + 1536,
  data: BLOCK_BYTES + 4096,
};
/** Of a new disk only what is not zero is sent. */
const BLANK_DISK = 'data';
const DISK_IDS = Object.keys(SIZES);

interface Options {
  readonly code: JournalCode;
  readonly files: RecordingFiles;
  readonly random: Random;
  /** Called wherever the power may go: right before something is made durable, and after each operation. */
  readonly onCut: (disks: TwoDisks, path: string) => Promise<void>;
  readonly isIgnored: (path: string) => boolean;
}

/** Done again from the start after a power cut, as commands are. */
interface Operation {
  readonly expected: Partial<Expected>;
  readonly run: (folder: ReplicationFolder) => Promise<void>;
}

/** A machine of two disks that comes home, beside a model of it that is made of byte arrays. */
export class TwoDisks {
  readonly #options: Options;
  readonly #random: Random;
  #recorded: RecordedFolder;
  #source: Contents;
  #points: readonly ModelPoint[] = [];
  #expected: Expected;
  #count = 0;
  /** The power goes at the sync with this number; 0 = it does not. */
  #cutIn = 0;
  #survived: string | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#random = options.random;
    const root = newRoot();
    mkdirSync(join(root, 'retention'));
    const stale = new Map(
      DISK_IDS.map((diskId) => [diskId, this.#firstContent(diskId, must(SIZES[diskId], diskId))]),
    );
    for (const [diskId, content] of stale) writeFileSync(diskFile(root, diskId), content);
    this.#source = stale;
    this.#recorded = this.#record(root);
    this.#expected = {
      allowed: [[]],
      azure: null,
      transfer: null,
      whenGone: 'not made yet',
      isForgotten: false,
    };
  }

  get expected(): Expected {
    return this.#expected;
  }

  get recorded(): RecordedFolder {
    return this.#recorded;
  }

  get pointCount(): number {
    return this.#points.length;
  }

  dispose(): void {
    this.#options.files.record(null);
    rmSync(this.#recorded.root, { recursive: true, force: true });
  }

  /** The power goes at the sync with this number of the next operation, if it has so many. */
  cutIn(syncs: number): void {
    this.#cutIn = syncs;
  }

  async open(): Promise<void> {
    await this.#perform({
      expected: { whenGone: 'not made yet' },
      run: async (folder) => {
        const disks = DISK_IDS.map((diskId) => ({
          diskId,
          sizeBytes: must(SIZES[diskId], diskId),
          device: { kind: 'file', path: diskFile(this.#recorded.root, diskId) } as const,
          isBlank: diskId === BLANK_DISK,
        }));
        await folder.writeDisks(disks, true);
      },
    });
    this.#expect({ whenGone: 'must be there' });
  }

  /** A point of all disks, or, as a repair, of one. */
  async seal(diskIds: readonly string[] = DISK_IDS): Promise<void> {
    const transfer = this.#transfer(this.#points.length === 0 ? DISK_IDS : diskIds);
    const all = [...this.#points, transfer.point];
    await this.#perform({
      expected: { allowed: [this.#points, all, all.slice(-MAX_POINTS)], transfer },
      run: async (folder) => {
        if (!(await this.#isSealed(folder, transfer))) {
          await send(this.#options.code, folder, transfer);
        }
        await seal(this.#options.code, folder, transfer);
      },
    });
    if (this.#points.at(-1) !== transfer.point) throw new Error('the sealed point is not there');
    this.#expect({ azure: transfer.point, transfer: null });
  }

  /** A transfer that is never finished; the next one finds what it left, or it is thrown away. */
  async abandon(isDiscarded: boolean): Promise<void> {
    const transfer = this.#transfer(DISK_IDS);
    const { code } = this.#options;
    const mode = 'full' as const;
    await this.#perform({
      expected: { transfer },
      run: async (folder) => send(code, folder, transfer, 2),
    });
    // Begun afresh in another mode, and after a cut perhaps in the old one again.
    const inFull = { ...transfer, disks: transfer.disks.map((disk) => ({ ...disk, mode })) };
    await this.#perform({
      expected: { transfer },
      run: async (folder) => send(code, folder, inFull, 2),
    });
    // Also in the middle of throwing it away: the same may be sent again.
    if (!isDiscarded) {
      this.#expect({ transfer: null });
      return;
    }
    await this.#perform({
      expected: { transfer: inFull },
      run: async (folder) => {
        await code.applyPending(folder);
        await folder.clearStaged();
      },
    });
    this.#expect({ transfer: null });
  }

  async rewind(steps: number): Promise<void> {
    const kept = this.#points.slice(0, Math.max(1, this.#points.length - steps));
    const wanted = kept.at(-1);
    if (wanted === undefined) return;
    await this.#perform({
      expected: { allowed: [this.#points, kept] },
      run: async (folder) => {
        await this.#options.code.rewindTo(folder, wanted.pointId);
      },
    });
    if (this.#points.at(-1) !== wanted) throw new Error('the disks did not go back');
  }

  async forget(): Promise<void> {
    await this.#perform({
      expected: { whenGone: 'nothing is left' },
      run: async (folder) => folder.remove(),
    });
  }

  async #perform({ expected, run }: Operation): Promise<void> {
    const { whenGone } = this.#expected;
    this.#expect({ allowed: [this.#points], ...expected });
    try {
      await run(this.#folder);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      await this.#comeBack();
      await run(this.#folder);
    }
    this.#cutIn = 0;
    const isThere = await this.#folder.exists();
    if (isThere) this.#points = await pointsOf(this.#folder, this.#expected.allowed);
    // What was reported as done stays so.
    this.#expect({
      allowed: [this.#points],
      whenGone: isThere ? 'must be there' : 'nothing is left',
    });
    this.#expect({ isForgotten: whenGone === 'must be there' && !isThere });
    if (whenGone === 'must be there' || isThere) await this.#options.onCut(this, 'the end');
  }

  /** The machine starts again with what the power cut left. */
  async #comeBack(): Promise<void> {
    const root = must(this.#survived, 'what survived');
    rmSync(this.#recorded.root, { recursive: true, force: true });
    this.#recorded = this.#record(root);
    await recover(this.#options.code, this.#folder, this.#expected);
  }

  #record(root: string): RecordedFolder {
    const { files, isIgnored, onCut } = this.#options;
    const beforeSync = async (path: string): Promise<void> => {
      await onCut(this, path);
      this.#cutIn -= 1;
      if (this.#cutIn === 0) this.#cutNow();
    };
    const recorded = new RecordedFolder(root, { beforeSync, isIgnored });
    files.record(recorded);
    return recorded;
  }

  #cutNow(): never {
    this.#survived = newRoot();
    this.#recorded.surviveInto(this.#survived, someOf(this.#random));
    this.#recorded.isOff = true;
    throw new PowerCut();
  }

  #transfer(diskIds: readonly string[]): Transfer {
    this.#count += 1;
    const isFirst = this.#points.length === 0;
    const disks = diskIds.map((diskId) => {
      const old = must(this.#newest.get(diskId), diskId);
      const changes = delta(diskId, old, this.#random);
      if (this.#count === 1 && diskId === BLANK_DISK) return firstCopy(diskId, changes.next);
      const isCompared = isFirst || this.#random.below(3) === 0;
      return isCompared ? comparison(diskId, changes.next) : changes;
    });
    const contents = new Map(this.#newest);
    for (const { diskId, next } of disks) contents.set(diskId, next);
    return { point: { pointId: `point-${this.#count}`, contents }, disks };
  }

  get #newest(): Contents {
    return this.#points.at(-1)?.contents ?? this.#source;
  }

  get #folder(): ReplicationFolder {
    return folderIn(this.#options.code, this.#recorded.root);
  }

  async #isSealed(folder: ReplicationFolder, { point }: Transfer): Promise<boolean> {
    return (await folder.journal()).points.at(-1)?.pointId === point.pointId;
  }

  #expect(part: Partial<Expected>): void {
    this.#expected = { ...this.#expected, ...part };
  }

  /** Stale bytes and zeros in turn, or nothing yet. */
  #firstContent(diskId: string, sizeBytes: number): Buffer {
    if (diskId === BLANK_DISK) return Buffer.alloc(sizeBytes);
    return this.#random.bytes(sizeBytes).fill(0, BLOCK_BYTES);
  }
}

/** In memory where the system has such a folder: hundreds of them are made and thrown away. */
export function newRoot(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'power-cut-'));
}
