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
