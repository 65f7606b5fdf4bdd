import { z } from 'zod';
import { identifierSchema, sectorBytesSchema } from './json.ts';

/** One disk of the Azure VM. `id` is `os` or `lun-<n>` and stays the same on both sides. */
export const diskShapeSchema = z.object({
  id: identifierSchema,
  isOsDisk: z.boolean(),
  sizeBytes: sectorBytesSchema.positive(),
  /** Which disk of the original VM it is: its place, as `scsi0:2`, or its UUID. Absent = it is found by its size. */
  onPremisesDisk: z.string().max(100).optional(),
});
export type DiskShape = z.infer<typeof diskShapeSchema>;

/** How the master target finds a disk: a file it can open, or a disk hot-added to its own VM. */
export const targetDeviceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('file'), path: z.string().min(1) }),
  z.object({ kind: z.literal('diskUuid'), uuid: z.string().min(1) }),
]);
export type TargetDevice = z.infer<typeof targetDeviceSchema>;

/** A disk at home as the master target opens it. */
export const openedDiskSchema = z.object({
  diskId: identifierSchema,
  sizeBytes: sectorBytesSchema.positive(),
  device: targetDeviceSchema,
  /** True when the disk was just made and reads as zeros, so that zeros need not be written. */
  isBlank: z.boolean(),
});
