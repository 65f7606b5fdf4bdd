import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../must.ts';
import {
  discard,
  diskFile,
  expectNothingSpent,
  forget,
  forgetOlder,
  type Machine,
  machineAt,
  makeRoom,
  MAX_POINTS,
  newRoot,
  openDisks,
  receive,
  rewind,
  seal,
  stayingOf,
} from './machine.ts';
import { someOf } from './nodes.ts';
import type { Operation, Options } from './operation.ts';
import { PowerCut, RecordedFolder } from './recorded-folder.ts';
import { Room } from './room.ts';
import { type Expected, pointsOf, recover } from './survival.ts';
import { DISK_IDS, SourceMachine } from './source-machine.ts';
import { comparison, type Contents, type ModelPoint, type Transfer } from './transfer.ts';
import { expectWithdrawn, sealAndDamage } from './withdrawal.ts';

/** A machine of two disks that comes home, beside a model of it that is made of byte arrays. */
export class TwoDisks {
  readonly #options: Options;
  #recorded: RecordedFolder;
  readonly #source: SourceMachine;
  readonly #stale: Contents;
  readonly #room = new Room();
  #points: readonly ModelPoint[] = [];
  #pinned: ModelPoint | null = null;
  #abandoned: Transfer | null = null;
  #damaged: Transfer | null = null;
  #expected: Expected;
  /** The power goes at the sync with this number; 0 = it does not. */
  #cutIn = 0;
  #survived: string | null = null;

  constructor(options: Options) {
    this.#options = options;
    const root = newRoot();
    mkdirSync(join(root, 'retention'));
    this.#source = new SourceMachine(options.random);
    this.#stale = this.#source.firstContents();
    for (const [diskId, content] of this.#stale) writeFileSync(diskFile(root, diskId), content);
    this.#recorded = this.#record(root);
    this.#expected = {
      allowed: [[]],
      leaving: [],
      pinned: null,
      azure: null,
      transfer: null,
      repeat: null,
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

  dispose(): void {
    this.#options.files.record(null);
    rmSync(this.#recorded.root, { recursive: true, force: true });
  }

  /** The power goes at the instant with this number of the next operation, if it has so many. */
  cutIn(instants: number): void {
    this.#cutIn = instants;
  }

  /** Nothing more can be written from the step with this number of the next operation on; 0 = there is room. */
  fillIn(steps: number): void {
    this.#room.fillIn(steps);
  }

  get room(): Pick<Room, 'wasFull' | 'steps'> {
    return this.#room;
  }

  /** Somebody goes back to the point so many before the newest, or nobody does any more. */
  pin(age: number | null): void {
    this.#pinned = age === null ? null : (this.#points.at(-1 - age) ?? null);
    this.#expect({ pinned: this.#keepPointId });
  }

  async open(): Promise<void> {
    await this.#perform({ expected: { whenGone: 'not made yet' }, run: openDisks });
    this.#expect({ whenGone: 'must be there' });
  }

  /** A point of all disks, or, as a repair, of one. */
  async seal(diskIds: readonly string[] = DISK_IDS): Promise<void> {
    const transfer = this.#transfer(this.#points.length === 0 ? DISK_IDS : diskIds);
    this.#abandoned = null;
    const { point } = transfer;
    const before = this.#roomed([MAX_POINTS, MAX_POINTS - 1]);
    const all = before.map((points) => [...points, point]);
    const ends = all.map((points) => this.#staying(points));
    await this.#perform({
      expected: { allowed: [...before, ...all, ...ends], leaving: this.#leaving(ends), transfer },
      run: async (machine) => this.#bring(machine, transfer),
      ends,
    });
    this.#expect({ azure: point, transfer: null });
  }

  /** A transfer that is never finished: the next one finds what it left. */
  async abandon(): Promise<void> {
    const transfer = this.#transfer(DISK_IDS);
    const mode = 'full' as const;
    // Begun afresh in another mode, and after a cut perhaps in the old one again.
    const whole = transfer.disks.map(({ diskId, next }) => comparison(diskId, next));
    const inFull = { ...transfer, disks: whole.map((disk) => ({ ...disk, mode })) };
    for (const each of [transfer, inFull]) {
      const run: Operation['run'] = async (machine) =>
        receive(machine, each, { keepPointId: this.#keepPointId, most: 2 });
      await this.#perform({ ...this.#unfinished(transfer), run });
    }
    this.#abandoned = inFull;
    this.#expect({ transfer: null });
  }

  /** Throws away what was abandoned. Also in the middle of it, the same may be sent again. */
  async discard(): Promise<void> {
    const transfer = this.#abandoned;
    if (transfer !== null) await this.#perform({ ...this.#unfinished(transfer), run: discard });
    this.#abandoned = null;
    this.#expect({ transfer: null });
  }

  /** Not behind a point that somebody else goes back to. */
  async rewind(steps: number): Promise<void> {
    const oldest = Math.max(
      0,
      this.#points.findIndex((point) => point === this.#pinned),
    );
    const index = Math.max(oldest, this.#points.length - 1 - steps);
    const wanted = this.#points[index];
    if (wanted === undefined) return;
    // Room is made without those before the one that is wanted.
    const before = this.#roomed([MAX_POINTS], wanted.pointId);
    const ends = before.map((points) => points.slice(0, points.indexOf(wanted) + 1));
    await this.#perform({
      expected: {
        allowed: [...before, ...ends],
        leaving: this.#leaving(ends),
        pinned: wanted.pointId,
      },
      run: async (machine) => rewind(machine, wanted.pointId),
      ends,
    });
    this.pin(null);
  }

  /** A point that is sealed, and goes bad before the disks are there. */
  async sealDamaged(): Promise<void> {
    this.#damaged = this.#transfer(DISK_IDS);
    await sealAndDamage(this.#machine, this.#damaged, this.#options.files);
  }

  /** The damaged point is taken back: the disks stand at the one before, also when that is cut off. */
  async withdraw(): Promise<void> {
    const transfer = must(this.#damaged ?? undefined, 'a damaged point');
    const run: Operation['run'] = async (machine) => expectWithdrawn(machine, transfer);
    await this.#perform({ run, ends: [this.#points] });
  }

  /** What a full volume gives back to another one that needs room: all but so many points. */
  async makeRoom(maxPoints: number): Promise<void> {
    const ends = [stayingOf(this.#points, maxPoints, this.#keepPointId)];
    await this.#perform({
      expected: { allowed: [this.#points, ...ends], leaving: this.#leaving(ends) },
      run: async (machine) => {
        await makeRoom(machine, maxPoints, this.#keepPointId);
        // Whoever waits for room asks again.
        if (!this.#isFullFor(machine)) return;
        await this.#options.files.pause();
        await makeRoom(machine, maxPoints, this.#keepPointId);
      },
      ends,
    });
  }

  /** The commit: whoever went back has arrived. */
  async forgetOlder(): Promise<void> {
    this.pin(null);
    const ends = [this.#points.slice(-1)];
    await this.#perform({
      expected: { allowed: [this.#points, ...ends], leaving: this.#leaving(ends) },
      run: forgetOlder,
      ends,
    });
    expectNothingSpent(this.#machine);
  }

  async forget(): Promise<void> {
    await this.#perform({ expected: { whenGone: 'nothing is left' }, run: forget });
  }

  async #perform({ expected = {}, run, ends }: Operation): Promise<void> {
    const { whenGone } = this.#expected;
    const repeat = ends === undefined ? null : { run, ends };
    this.#expect({ allowed: [this.#points], leaving: [], repeat, ...expected });
    try {
      await run(this.#machine);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      await this.#comeBack();
      await run(this.#machine);
    }
    this.#cutIn = 0;
    const { folder } = this.#machine;
    const isThere = await folder.exists();
    if (isThere) this.#points = await pointsOf(folder, ends ?? this.#expected.allowed);
    // What was reported as done stays so.
    this.#expect({
      allowed: [this.#points],
      leaving: [],
      ...(repeat === null ? {} : { repeat: { run, ends: [this.#points] } }),
      whenGone: isThere ? 'must be there' : 'nothing is left',
    });
    this.#expect({ isForgotten: whenGone === 'must be there' && !isThere });
    if (whenGone === 'must be there' || isThere) await this.#options.onCut(this, 'the end');
    this.#room.fillIn(0);
  }

  /** The machine starts again with what the power cut left. */
  async #comeBack(): Promise<void> {
    const root = must(this.#survived, 'what survived');
    rmSync(this.#recorded.root, { recursive: true, force: true });
    this.#recorded = this.#record(root);
    this.#room.giveAll();
    await recover(this.#machine, this.#expected);
  }

  #record(root: string): RecordedFolder {
    const { files, isIgnored, onCut } = this.#options;
    const room = this.#room;
    const instant = async (path: string): Promise<void> => {
      await onCut(this, path);
      this.#cutIn -= 1;
      if (this.#cutIn === 0) this.#cutNow();
    };
    const recorded = new RecordedFolder(root, {
      beforeSync: instant,
      isIgnored,
      hasRoomFor: async (path) => {
        if (room.hasRoomFor(path)) return true;
        await instant(`${path} with no room for it`);
        return false;
      },
      onRemoval: () => room.give(),
      onPause: async () => {
        await instant('a pause');
        room.giveAll();
      },
    });
    files.record(recorded);
    return recorded;
  }

  #cutNow(): never {
    this.#survived = newRoot();
    this.#recorded.surviveInto(this.#survived, someOf(this.#options.random));
    this.#recorded.isOff = true;
    throw new PowerCut();
  }

  #transfer(diskIds: readonly string[]): Transfer {
    const newest = this.#points.at(-1)?.contents ?? this.#stale;
    return this.#source.next(diskIds, newest, this.#points.length === 0);
  }

  get #machine(): Machine {
    return machineAt(this.#options.code, this.#recorded.root);
  }

  #isFullFor({ root }: Machine): boolean {
    return this.#room.wasFull && root === this.#recorded.root;
  }

  get #keepPointId(): string | null {
    return this.#pinned?.pointId ?? null;
  }

  #staying(points: readonly ModelPoint[], maxPoints = MAX_POINTS): readonly ModelPoint[] {
    return stayingOf(points, maxPoints, this.#keepPointId);
  }

  /** Points after room was made in one of these ways, if there is want of it. */
  #roomed(maxPoints: readonly number[], keepPointId = this.#keepPointId): Expected['allowed'] {
    const roomed = maxPoints.map((most) => stayingOf(this.#points, most, keepPointId));
    return [this.#points, ...(this.#room.isExpected ? roomed : [])];
  }

  /** Those that are in none of the ends. Listed without a way to them only where no new journal fits. */
  #leaving(ends: Expected['allowed']): readonly string[] {
    if (!this.#room.isExpected) return [];
    const ids = this.#points.map(({ pointId }) => pointId);
    const oldest = ends.map((points) => ids.indexOf(points[0]?.pointId ?? ''));
    const first = Math.max(0, ...oldest);
    return ids.slice(0, first);
  }

  /** Until a transfer is whole, what counts is that it can still be made whole. */
  #unfinished(transfer: Transfer): Omit<Operation, 'run'> {
    const allowed = this.#roomed([MAX_POINTS]);
    const ends = allowed.map((points) => this.#staying([...points, transfer.point]));
    const run: Operation['run'] = async (machine) => this.#bring(machine, transfer);
    return {
      expected: { allowed, leaving: this.#leaving(allowed), transfer, repeat: { run, ends } },
    };
  }

  async #bring(machine: Machine, transfer: Transfer): Promise<void> {
    const keepPointId = this.#keepPointId;
    const { points } = await machine.folder.journal();
    if (points.at(-1)?.pointId !== transfer.point.pointId) {
      await receive(machine, transfer, { keepPointId });
    }
    const retained = await seal(machine, transfer, keepPointId);
    const { points: after } = await machine.folder.journal();
    if (retained.join() !== after.map(({ pointId }) => pointId).join()) {
      throw new Error(`said to be retained: ${retained.join(' ')}`);
    }
  }

  #expect(part: Partial<Expected>): void {
    this.#expected = { ...this.#expected, ...part };
  }
}
