import { z } from 'zod';
import { agentConfigSchema } from '../runtime/config.ts';

const listenSchema = z.strictObject({
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
});

const localHypervisorSchema = z.strictObject({
  kind: z.literal('local'),
  /** One folder a VM below it. */
  folder: z.string().min(1),
  /** `qemu` boots the disk; `simulated` only looks at it, and says so. */
  boot: z.enum(['qemu', 'simulated']).default('simulated'),
  /** Seconds from boot until the guest's mobility agent registers; `null` = never. */
  agentDelaySeconds: z.number().min(0).nullable().default(20),
  /** Pause between two writes of a running guest; `null` = it does not write. */
  guestPauseMs: z.int().positive().nullable().default(250),
  /** Keeps a copy of the disks as they were right before the latest boot, for comparing. */
  keepBootCopy: z.boolean().default(false),
});
export type LocalHypervisorConfig = z.output<typeof localHypervisorSchema>;

/** Copies of what this server knows and who it is, its keys sealed with the passphrase of the site. */
const backupSchema = z.strictObject({
  folder: z.string().min(1),
  everyHours: z.number().positive().max(720).default(24),
  /** The newest so many are kept. */
  keep: z.int().min(1).max(1000).default(14),
});
export type BackupConfig = z.output<typeof backupSchema>;

export const configurationServerConfigSchema = agentConfigSchema.extend({
  /** Name or address under which the site knows this server; default: where mobility agents register. */
  address: z.string().min(1).max(255).optional(),
  /** Absent = no backups, which preflight warns about. */
  backup: backupSchema.optional(),
  /** Where mobility agents of the site register. */
  mobility: listenSchema,
  hypervisor: z.discriminatedUnion('kind', [localHypervisorSchema]),
});
