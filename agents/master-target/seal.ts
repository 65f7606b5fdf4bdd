import type { CommandInput, CommandOutput } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { applyPending } from './apply.ts';
import { syncFolder } from './durable-file.ts';
import type { FileLengths, Journal, SealedPoint, StagedDisk } from './journal-records.ts';
import { prepareDisk } from './prepare.ts';
import type { ReplicationFolder } from './replication-folder.ts';
import { retain, type RetentionPolicy } from './retention.ts';
import { laneStates } from './staging.ts';

export interface SealOptions {
  readonly folder: ReplicationFolder;
  readonly retention: RetentionPolicy;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

interface Received {
  readonly staged: StagedDisk;
  readonly redoLengths: readonly number[];
}

/**
 * verified → prepared → sealed → applied. The one rename of journal.json makes the point exist for all disks
 * of the VM; what was staged is then written to them, and written again from the start if that is cut off.
 */
export async function sealPoint(
  options: SealOptions,
  input: CommandInput<'sealRecoveryPoint'>,
): Promise<CommandOutput<'sealRecoveryPoint'>> {
  const { folder, retention } = options;
  const madeGoodBytes = await applyPending(folder);
  const before = await folder.journal();
  const done = before.points.at(-1);
  const isDone = done?.pointId === input.pointId;
  const { sealedAt, appliedBytes } = isDone
    ? { sealedAt: done.sealedAt, appliedBytes: madeGoodBytes }
    : await sealNext(options, input, before);
  // Also what was sealed by an attempt that was cut off before it came to this.
  const { keepPointId } = input;
  const kept = await retain(folder, { ...retention, keepPointId }, new Date());
  return { sealedAt, appliedBytes, retainedPointIds: kept.points.map(({ pointId }) => pointId) };
}

async function sealNext(
  options: SealOptions,
  input: CommandInput<'sealRecoveryPoint'>,
  before: Journal,
): Promise<Pick<CommandOutput<'sealRecoveryPoint'>, 'sealedAt' | 'appliedBytes'>> {
  const { folder, retention } = options;
  const received = await receivedDisks(folder, input);
  const isDirect = before.points.length === 0;
  const { keepPointId } = input;
  const isOneKept = before.points.some(({ pointId }) => pointId === keepPointId);
  const hasUndo = !isDirect && (retention.maxPoints > 1 || isOneKept);
  await folder.makePoint(input.pointId);
  const work = { pointId: input.pointId, received, before, hasUndo };
  const { undoLengths, nextLengths } = isDirect ? NO_FILES : await prepare(options, work);
  const point: SealedPoint = {
    pointId: input.pointId,
    takenAt: input.takenAt,
    sealedAt: new Date().toISOString(),
    consistency: input.consistency,
    // A repair brings some disks only; the others stand where they stood.
    snapshotNames: {
      ...before.points.at(-1)?.snapshotNames,
      ...mapOf(received, ({ staged }) => staged.snapshotName),
    },
    hasUndo,
    undoLengths,
  };
  const redoLengths = mapOf(received, (disk) => [...disk.redoLengths]);
  const pending = { kind: 'apply', redoLengths, nextLengths } as const;
  await folder.writeJournal({ points: [...before.points, point], pending });
  const appliedBytes = await applyPending(folder, 'first');
  return { sealedAt: point.sealedAt, appliedBytes };
}

/** What a seal made besides the point, by disk. */
interface PointFiles {
  readonly undoLengths: FileLengths;
  readonly nextLengths: FileLengths;
}

/** The first point went to the disks themselves. */
const NO_FILES: PointFiles = { undoLengths: {}, nextLengths: {} };

async function prepare(
  { folder, signal, onBytes }: SealOptions,
  work: {
    readonly pointId: string;
    readonly received: ReadonlyMap<string, Received>;
    readonly before: Journal;
    readonly hasUndo: boolean;
  },
): Promise<PointFiles> {
  const files: PointFiles = { undoLengths: {}, nextLengths: {} };
  const { pointId, received, before, hasUndo } = work;
  const sealed = before.points.at(-1)?.snapshotNames ?? {};
  for (const disk of await folder.disks()) {
    const { staged, redoLengths = [] } = received.get(disk.diskId) ?? {};
    // Bytes of the instant at which the disk stands already mend it: undone, they would be damage again.
    const isRepair = staged !== undefined && staged.snapshotName === sealed[disk.diskId];
    const keepsUndo = hasUndo && !isRepair;
    const request = { pointId, redoLengths, keepsUndo, signal, onBytes };
    try {
      const { undoLength, nextLength } = await prepareDisk(folder, disk, request);
      files.undoLengths[disk.diskId] = undoLength;
      files.nextLengths[disk.diskId] = nextLength;
    } catch (error) {
      // Damaged where it waited: thrown away, so that what is sent again begins afresh.
      const isDamaged = error instanceof FailbackError && error.code === 'FB-JRN-002';
      if (isDamaged) await folder.clearStagedDisk(disk.diskId);
      throw error;
    }
  }
  await syncFolder(folder.pointFolder(pointId));
  return files;
}

async function receivedDisks(
  folder: ReplicationFolder,
  { pointId, diskIds }: CommandInput<'sealRecoveryPoint'>,
): Promise<ReadonlyMap<string, Received>> {
  const received = new Map<string, Received>();
  for (const diskId of diskIds) {
    const staged = await folder.staged(diskId);
    const lanes = staged === null ? [] : await laneStates(folder, diskId, staged);
    const isFinished = lanes.every((lane) => lane.isFinished);
    const reason = whyNotSealable(staged, pointId, isFinished);
    if (reason !== null) throw new FailbackError('FB-JRN-002', { diskId, pointId, reason });
    const redoLengths = lanes.map(({ redoLength }) => redoLength);
    if (staged !== null) received.set(diskId, { staged, redoLengths });
  }
  return received;
}

function whyNotSealable(
  staged: StagedDisk | null,
  pointId: string,
  isFinished: boolean,
): string | null {
  if (staged === null) return 'nothing was received';
  if (staged.pointId !== pointId) return `what was received belongs to ${staged.pointId}`;
  return isFinished ? null : 'the transfer did not finish';
}

function mapOf<T>(
  received: ReadonlyMap<string, Received>,
  pick: (disk: Received) => T,
): Record<string, T> {
  return Object.fromEntries([...received].map(([diskId, disk]) => [diskId, pick(disk)]));
}
