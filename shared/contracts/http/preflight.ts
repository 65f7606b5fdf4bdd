import { z } from 'zod';
import { PREFLIGHT_OPERATIONS } from '../../domain/preflight/gathered.ts';
import { originalVmUseSchema } from '../commands.ts';
import { errorRecordSchema } from '../errors.ts';
import { identifierSchema, timestampSchema } from '../json.ts';

/** POST /api/preflight: runs every rule without touching anything. */
export const preflightRequestSchema = z.strictObject({
  protectedItemId: identifierSchema,
  /** What is to be done next. A failover needs a process server that is there; a reprotect deploys one. */
  operation: z.enum(PREFLIGHT_OPERATIONS).default('reprotect'),
  /** In place of what the machine's record says. */
  placement: z
    .strictObject({
      configurationServer: identifierSchema.optional(),
      masterTarget: identifierSchema.optional(),
      datastore: z.string().min(1).max(255).optional(),
    })
    .prefault({}),
  /** As the option of a failback: what would be found with it. */
  originalVm: originalVmUseSchema.optional(),
});

const findingSchema = z.object({
  ruleId: z.string(),
  /** `blocking` stands in the way. */
  severity: z.enum(['blocking', 'warning', 'info']),
  error: errorRecordSchema,
  /** What was compared; empty when the rule could not be checked. */
  facts: z.array(
    z.object({
      name: z.string(),
      needed: z.union([z.string(), z.number(), z.boolean()]),
      actual: z.union([z.string(), z.number(), z.boolean()]),
      unit: z.string().optional(),
    }),
  ),
});

/** GET /api/preflight/{id} */
export const preflightViewSchema = z.object({
  id: identifierSchema,
  protectedItemId: identifierSchema,
  operation: z.enum(PREFLIGHT_OPERATIONS),
  state: z.enum(['running', 'succeeded', 'failed']),
  createdAt: timestampSchema,
  endedAt: timestampSchema.nullable(),
  /** Whether what was asked about would be refused; `null` while it runs, and when the run failed. */
  isBlocked: z.boolean().nullable(),
  /** In the order of docs/preflight.md. */
  findings: z.array(findingSchema),
  /** Facts that could not be found out, by their place: `masterTarget.version`, or `site` for all of a section. */
  unknownFacts: z.array(z.string()),
  /** Facts that nobody asked for. */
  notGatheredFacts: z.array(z.string()),
  /** Who was asked and did not tell. */
  unanswered: z.array(
    z.object({
      source: z.enum(['azure', 'configurationServer', 'masterTarget', 'processServer']),
      error: errorRecordSchema,
    }),
  ),
  /** Why the run itself failed. */
  error: errorRecordSchema.nullable(),
});
export type PreflightView = z.infer<typeof preflightViewSchema>;
