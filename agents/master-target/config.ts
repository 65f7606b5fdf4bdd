import { z } from 'zod';
import { agentConfigSchema } from '../runtime/config.ts';

export const masterTargetConfigSchema = agentConfigSchema.extend({
  /** Where process servers connect to. */
  listen: z.object({
    host: z.string().default('0.0.0.0'),
    port: z.int().min(0).max(65_535).default(9443),
  }),
  /** How process servers reach it; default: the listening address. */
  advertisedHost: z.string().optional(),
  /** Retention volume: journal and manifests. */
  retentionFolder: z.string().min(1),
  /** Recovery points that a replication can be taken back to. One point means none but the newest. */
  retention: z
    .object({
      maxPoints: z.int().min(1).max(200).default(12),
      maxAgeHours: z.number().positive().max(720).default(24),
    })
    .prefault({}),
  osType: z.enum(['Linux', 'Windows']).default('Linux'),
});
