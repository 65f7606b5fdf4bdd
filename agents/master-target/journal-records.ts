import { z } from 'zod';
import {
  consistencySchema,
  replicationModeSchema,
  targetDeviceSchema,
} from '../../shared/contracts/commands.ts';
import { laneSchema } from '../../shared/contracts/transfer-protocol.ts';

const diskSchema = z.object({
  diskId: z.string(),
  sizeBytes: z.int(),
  device: targetDeviceSchema,
  /** Nothing was ever written to it, by us or by anybody. */
  isBlank: z.boolean(),
  /** The point, and its snapshot, whose bytes were first written to it: for every other it is blank no more. */
  firstPointId: z.string().optional(),
  firstSnapshotName: z.string().optional(),
  /** Every time it grew: the size it had, and the sealed point at which it stood. Absent = never. */
  growth: z.array(z.object({ fromBytes: z.int(), pointId: z.string() })).optional(),
});
export type DiskRecord = z.infer<typeof diskSchema>;

export const replicationSchema = z.object({
  disks: z.array(diskSchema),
  /** False once the disks were given back to the VM; the manifests stay for the way back. */
  isOpen: z.boolean(),
});

/** Bytes of a file that each disk has. */
const fileLengthsSchema = z.record(z.string(), z.int());
export type FileLengths = z.output<typeof fileLengthsSchema>;

const sealedPointSchema = z.object({
  pointId: z.string(),
  takenAt: z.string(),
  sealedAt: z.string(),
  consistency: consistencySchema,
  /** Snapshot in Azure that each disk equals, by disk. */
  snapshotNames: z.record(z.string(), z.string()),
  /** The disks can be brought back from here to the point before. */
  hasUndo: z.boolean(),
  /** Bytes of that undo. Absent in points of an earlier version. */
  undoLengths: fileLengthsSchema.optional(),
});
export type SealedPoint = z.infer<typeof sealedPointSchema>;

/** Bytes of each lane's redo file, by disk. */
const redoLengthsSchema = z.record(z.string(), z.array(z.int()));

const pendingApplySchema = z.object({
  kind: z.literal('apply'),
  redoLengths: redoLengthsSchema,
  /** Bytes of the new digests. Absent in a journal of an earlier version. */
  nextLengths: fileLengthsSchema.optional(),
});

const pendingRewindSchema = z.object({
  kind: z.literal('rewind'),
  /** Points behind the last one, newest first: each is undone in turn. */
  undo: z.array(z.string()),
  /** Bytes of their undo, by point and disk. Absent in a journal of an earlier version. */
  undoLengths: z.record(z.string(), fileLengthsSchema).optional(),
});
export type PendingRewind = z.output<typeof pendingRewindSchema>;

export const journalSchema = z.object({
  /** Points that can be gone back to, oldest first; the disks stand at the last one. */
  points: z.array(sealedPointSchema),
  /** What has to be done, again from the start if need be, before the disks stand there. */
  pending: z.discriminatedUnion('kind', [pendingApplySchema, pendingRewindSchema]).nullable(),
});
export type Journal = z.infer<typeof journalSchema>;

export const stagedDiskSchema = z.object({
  pointId: z.string(),
  snapshotName: z.string(),
  mode: replicationModeSchema,
  /** Written to the disk itself: only before the first seal. */
  isDirect: z.boolean(),
  lanes: z.array(laneSchema),
});
export type StagedDisk = z.infer<typeof stagedDiskSchema>;

export const stagedLaneSchema = z.object({
  watermark: z.int(),
  redoLength: z.int(),
  isFinished: z.boolean(),
});
export type StagedLane = z.infer<typeof stagedLaneSchema>;
