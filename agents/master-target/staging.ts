import {
  type Begin,
  CREDIT_BYTES,
  FrameFault,
  type Hello,
  type HelloAnswer,
  type Lane,
  type LaneState,
} from '../../shared/contracts/transfer-protocol.ts';
import { BLOCK_BYTES } from '../../shared/domain/page-ranges.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { standAtPoint } from './apply.ts';
import type { DiskRecord, StagedDisk } from './journal-records.ts';
import type { ReplicationFolder } from './replication-folder.ts';

/** The disk a process server speaks of. Throws FB-JRN-001 or FB-JRN-005. */
export async function diskOf(folder: ReplicationFolder, hello: Hello): Promise<DiskRecord> {
  const { replicationId, diskId, sizeBytes, blockBytes } = hello;
  const disk = (await folder.disks()).find((each) => each.diskId === diskId);
  // Closed, it is the disk of a VM that may run.
  const isOpen = await folder.isOpen();
  if (disk === undefined || !isOpen) throw new FailbackError('FB-JRN-001', { replicationId });
  if (disk.sizeBytes !== sizeBytes) {
    const values = { diskId, actualBytes: disk.sizeBytes, neededBytes: sizeBytes };
    throw new FailbackError('FB-JRN-005', values);
  }
  if (blockBytes !== BLOCK_BYTES) throw new FrameFault('another block size than ours');
  return disk;
}

export async function answerTo(
  folder: ReplicationFolder,
  hello: Hello,
  disk: DiskRecord,
): Promise<HelloAnswer> {
  // A crash in the middle of a seal is made good before anybody compares with the disks.
  await standAtPoint(folder);
  const { points } = await folder.journal();
  const sealed = points.at(-1);
  const snapshotName = sealed?.snapshotNames[disk.diskId];
  return {
    sealed:
      sealed === undefined || snapshotName === undefined
        ? null
        : { snapshotName, takenAt: sealed.takenAt },
    isBlank: sealed === undefined && isBlankFor(disk, hello),
    ...grownSince(disk, sealed?.pointId),
    resume: await resumeOf(folder, hello),
    creditBytes: CREDIT_BYTES,
  };
}

/** What the disk had at the sealed point, where it has grown since. */
function grownSince(
  { growth = [] }: DiskRecord,
  sealedPointId: string | undefined,
): Pick<HelloAnswer, 'grownFromBytes'> {
  const first = growth.find(({ pointId }) => pointId === sealedPointId);
  return first === undefined ? {} : { grownFromBytes: first.fromBytes };
}

/** Takes up what was begun of the same snapshot in the same way, or starts the disk's point afresh. */
export async function beginStaging(
  folder: ReplicationFolder,
  request: { readonly hello: Hello; readonly disk: DiskRecord; readonly begin: Begin },
): Promise<StagedDisk> {
  const { hello, disk, begin } = request;
  const { pointId, snapshotName, diskId } = hello;
  const known = await folder.staged(diskId);
  if (known !== null && isSameTransfer(known, hello, begin)) return known;
  checkLanes(begin.lanes, disk.sizeBytes);
  const isDirect = (await folder.journal()).points.length === 0;
  await folder.clearStagedDisk(diskId);
  if (isDirect) await noteFirstPoint(folder, hello);
  const staged: StagedDisk = {
    pointId,
    snapshotName,
    mode: begin.mode,
    isDirect,
    lanes: begin.lanes,
  };
  await folder.writeStaged(diskId, staged);
  return staged;
}

/** How far every lane of a staged disk is. */
export async function laneStates(
  folder: ReplicationFolder,
  diskId: string,
  { lanes }: StagedDisk,
): Promise<readonly (LaneState & { readonly redoLength: number })[]> {
  return Promise.all(
    lanes.map(async (lane, index) => ({
      ...lane,
      ...(await folder.stagedLane(diskId, index, lane.start)),
    })),
  );
}

async function resumeOf(folder: ReplicationFolder, hello: Hello): Promise<HelloAnswer['resume']> {
  const { diskId } = hello;
  const staged = await folder.staged(diskId);
  if (staged === null || !isSameInstant(staged, hello)) return null;
  const lanes = await laneStates(folder, diskId, staged);
  return {
    mode: staged.mode,
    lanes: lanes.map(({ start, end, watermark, isFinished }) => ({
      start,
      end,
      watermark,
      isFinished,
    })),
  };
}

/** A point whose snapshot was taken again is another instant: parts of both would make a disk that never was. */
function isSameInstant(known: StagedDisk, { pointId, snapshotName }: Hello): boolean {
  return known.pointId === pointId && known.snapshotName === snapshotName;
}

function isSameTransfer(known: StagedDisk, hello: Hello, { mode, lanes }: Begin): boolean {
  const isSamePoint = isSameInstant(known, hello) && known.mode === mode;
  const areSameLanes =
    known.lanes.length === lanes.length &&
    known.lanes.every(
      ({ start, end }, index) => start === lanes[index]?.start && end === lanes[index]?.end,
    );
  return isSamePoint && areSameLanes;
}

/** Lanes without a gap: what no lane brings would silently stay as it was. */
function checkLanes(lanes: readonly Lane[], sizeBytes: number): void {
  let position = 0;
  for (const { start, end } of lanes) {
    const isBlockBorder = start % BLOCK_BYTES === 0;
    if (start !== position || end <= start || !isBlockBorder) {
      throw new FrameFault('lanes that do not cover the disk in order');
    }
    position = end;
  }
  if (position !== sizeBytes) throw new FrameFault('lanes that do not cover the disk in order');
}

/** Bytes of another snapshot may lie on the disk; those of this one are overwritten or kept. */
export function isBlankFor(
  disk: DiskRecord,
  { pointId, snapshotName }: Pick<Hello, 'pointId' | 'snapshotName'>,
): boolean {
  const { isBlank, firstPointId, firstSnapshotName } = disk;
  const isFirst = firstPointId === pointId && firstSnapshotName === snapshotName;
  return isBlank && (firstPointId === undefined || isFirst);
}

async function noteFirstPoint(
  folder: ReplicationFolder,
  { diskId, pointId, snapshotName }: Hello,
): Promise<void> {
  const disks = await folder.disks();
  const isFirst = disks.some((disk) => disk.diskId === diskId && disk.firstPointId === undefined);
  if (!isFirst) return folder.settle();
  await folder.forgetManifest(diskId);
  const noted = disks.map((disk) =>
    disk.diskId === diskId
      ? { ...disk, firstPointId: pointId, firstSnapshotName: snapshotName }
      : disk,
  );
  await folder.writeDisks(noted, await folder.isOpen());
}
