import { z } from 'zod';
import { bandwidthScheduleSchema } from '../../shared/contracts/bandwidth-schedule.ts';
import { agentConfigSchema } from '../runtime/config.ts';

export const processServerConfigSchema = agentConfigSchema.extend({
  /** What all transfers to master targets together may send. Absent = unlimited. */
  bandwidth: bandwidthScheduleSchema.default({ windows: [] }),
  /** Parallel connections of one disk to its master target. */
  connectionsPerDisk: z.int().min(1).max(16).default(4),
  /** Disk data in memory, of all disks together. */
  memoryMiB: z.int().min(16).max(1024).default(24),
  /** Requests to the storage service at the same time, of all disks together. */
  maxRequests: z.int().min(1).max(128).default(32),
});
