import { z } from 'zod';
import { agentConfigSchema } from '../runtime/config.ts';

/** Every address of the machine: good for listening, nothing that anybody could connect to. */
const WILDCARDS: readonly string[] = ['0.0.0.0', '::', ''];

const fieldsSchema = agentConfigSchema.extend({
  /** Where process servers connect to. */
  listen: z.strictObject({
    host: z.string().default('0.0.0.0'),
    port: z.int().min(0).max(65_535).default(9443),
  }),
  /** How process servers reach it; default: the listening address, if that is one. */
  advertisedHost: z.string().optional(),
  /** Retention volume: journal and manifests. */
  retentionFolder: z.string().min(1),
  /** Recovery points that a replication can be taken back to. One point means none but the newest. */
  retention: z
    .strictObject({
      maxPoints: z.int().min(1).max(200).default(12),
      maxAgeHours: z.number().positive().max(720).default(24),
    })
    .prefault({}),
  /** Default: what it runs on. */
  osType: z.enum(['Linux', 'Windows']).default(process.platform === 'win32' ? 'Windows' : 'Linux'),
});

export const masterTargetConfigSchema = fieldsSchema.superRefine(
  ({ listen, advertisedHost = listen.host }, context) => {
    if (!WILDCARDS.includes(advertisedHost)) return;
    const message = `give the name or address that process servers connect to; "${advertisedHost}" is none`;
    context.addIssue({ code: 'custom', path: ['advertisedHost'], message });
  },
);
