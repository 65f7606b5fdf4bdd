import { z } from 'zod';
import { errorRecordSchema } from './errors.ts';

/** Progress of one running command; sent about once a second while it changes. */
export const transferProgressSchema = z.object({
  bytesDone: z.int().nonnegative(),
  bytesTotal: z.int().nonnegative(),
  rangesDone: z.int().nonnegative(),
  rangesTotal: z.int().nonnegative(),
  /** Payload bytes before compression, and on the wire after it. */
  sentBytes: z.int().nonnegative().default(0),
  wireBytes: z.int().nonnegative(),
  bytesPerSecond: z.number().nonnegative(),
  /** Absent while the rate is not known yet. */
  etaSeconds: z.number().nonnegative().optional(),
  /** What happens now, in words: `reading`, `verifying`, `booting`. */
  step: z.string().max(120).optional(),
  /** What keeps it from going on right now; it goes on by itself once the cause is gone. */
  health: errorRecordSchema.optional(),
});

export type TransferProgress = z.infer<typeof transferProgressSchema>;
