import { z } from 'zod';

/** Progress of one running command; sent about once a second while it changes. */
export const transferProgressSchema = z.object({
  bytesDone: z.int().nonnegative(),
  bytesTotal: z.int().nonnegative(),
  rangesDone: z.int().nonnegative(),
  rangesTotal: z.int().nonnegative(),
  /** Payload bytes on the wire after compression, so that ratio = bytesDone / wireBytes. */
  wireBytes: z.int().nonnegative(),
  bytesPerSecond: z.number().nonnegative(),
  /** Absent while the rate is not known yet. */
  etaSeconds: z.number().nonnegative().optional(),
  /** What happens now, in words: `reading`, `verifying`, `booting`. */
  step: z.string().max(120).optional(),
});

export type TransferProgress = z.infer<typeof transferProgressSchema>;
