import { z } from 'zod';
import { GATE_KINDS, MACHINE_STATES, PLAN_RUN_STATES } from '../../domain/plan-run.ts';
import { FAILURE_POLICIES, PLAN_RUN_KINDS } from '../../domain/recovery-plan.ts';
import { MAX_PLAN_GROUPS, MAX_PLAN_MACHINES } from '../../policy/limits.ts';
import { scriptNameSchema } from '../commands.ts';
import { errorRecordSchema } from '../errors.ts';
import { optionsSchema, protectedItemIdSchema } from '../http-api.ts';
import { identifierSchema, timestampSchema } from '../json.ts';

/** Recovery plans and their runs, under /api/recovery-plans. */

/** Short: the names of runs, commands and instances are made from it. */
const planNameSchema = identifierSchema.max(40, 'at most 40 letters');

const actionBase = {
  id: planNameSchema,
  name: z.string().min(1).max(120),
  runsIn: z.array(z.enum(PLAN_RUN_KINDS)).default(['failback']),
};

function isHttpsUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return protocol === 'https:' && username === '' && password === '';
}

const actionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...actionBase,
    kind: z.literal('webhook'),
    url: z.string().max(2000).refine(isHttpsUrl, 'must be https, without credentials'),
    secretName: identifierSchema,
    timeoutSeconds: z.int().min(1).max(120).default(30),
    maxAttempts: z.int().min(1).max(10).default(5),
  }),
  z.strictObject({
    ...actionBase,
    kind: z.literal('script'),
    configurationServer: identifierSchema,
    script: scriptNameSchema,
    arguments: z.record(identifierSchema, z.string().max(1000)).default({}),
    timeoutSeconds: z.int().min(1).max(86_400).default(600),
  }),
  z.strictObject({
    ...actionBase,
    kind: z.literal('manual'),
    instructions: z.string().min(1).max(2000),
  }),
]);

const actionsSchema = z.array(actionSchema).max(20).default([]);

const groupSchema = z.strictObject({
  id: planNameSchema,
  name: z.string().min(1).max(120),
  itemIds: z.array(protectedItemIdSchema).min(1).max(MAX_PLAN_MACHINES),
  maxParallel: z.int().min(1).max(100).default(10),
  preActions: actionsSchema,
  postActions: actionsSchema,
  pauseAfter: z
    .union([
      z.strictObject({
        seconds: z
          .int()
          .min(1)
          .max(7 * 86_400),
      }),
      z.literal('untilResumed'),
    ])
    .nullable()
    .default(null),
});

/** PUT /api/recovery-plans/{id} */
export const putPlanSchema = z.strictObject({
  name: z.string().min(1).max(120),
  groups: z.array(groupSchema).min(1).max(MAX_PLAN_GROUPS),
  replicationGroups: z
    .array(
      z.strictObject({
        id: planNameSchema,
        itemIds: z.array(protectedItemIdSchema).min(2).max(16),
      }),
    )
    .max(100)
    .default([]),
  onFailure: z.enum(FAILURE_POLICIES).default('stop'),
  maxParallel: z.int().min(1).max(100).default(20),
});

export const planIdSchema = planNameSchema;

export const planViewSchema = z.object({
  id: z.string(),
  ...putPlanSchema.shape,
  updatedAt: timestampSchema,
  activeRunId: z.string().nullable(),
});
export type PlanView = z.input<typeof planViewSchema>;

/** POST /api/recovery-plans/{id}/run */
export const runPlanSchema = z
  .strictObject({
    kind: z.enum(PLAN_RUN_KINDS),
    recoveryPoint: z
      .enum(['latest', 'latestProcessed', 'latestApplicationConsistent'])
      .default('latest'),
    maxDataLossMinutes: z.number().nonnegative().optional(),
    /** As for a single failover, with the same danger of a split brain; needs a committer. */
    acceptUnreachableSource: z.boolean().optional(),
    /** `autoFailover`: go on by itself once all machines are ready. The commit is always a person's. */
    options: optionsSchema.omit({ autoCommit: true }).prefault({}),
  })
  .refine(
    ({ recoveryPoint, options }) =>
      recoveryPoint !== 'latestApplicationConsistent' || options.applicationConsistentMinutes > 0,
    {
      path: ['options', 'applicationConsistentMinutes'],
      message: 'must be above 0: no application-consistent point would be taken',
    },
  );
export type RunPlan = z.output<typeof runPlanSchema>;

/** The gate that the person saw (`waitingFor.gate`); refused where another one is open by now. */
const gateSeen = { gate: z.string().min(1).max(200).optional() };

/** POST …/runs/{runId}/resume; the body may be left out. */
export const resumeRunSchema = z.strictObject({
  ...gateSeen,
  /**
   * After an action failed: go on as if it had been done, instead of doing it again. Where recovery points are
   * missing: go on without the machines that are refused, instead of looking again.
   */
  skip: z.boolean().default(false),
});

/** POST …/runs/{runId}/manual-steps/{actionId}/complete; the body may be left out. */
export const completeStepSchema = z.strictObject({
  ...gateSeen,
  outcome: z.enum(['done', 'failed']).default('done'),
  note: z.string().max(500).default(''),
});

export const planRunViewSchema = z.object({
  id: z.string(),
  planId: z.string(),
  planName: z.string(),
  kind: z.enum(PLAN_RUN_KINDS),
  state: z.enum(PLAN_RUN_STATES),
  recoveryPoint: z.string(),
  createdAt: timestampSchema,
  endedAt: timestampSchema.nullable(),
  allowedActions: z.array(z.enum(['cancel', 'resume', 'commit', 'complete'])),
  waitingFor: z
    .object({
      /** Its key: resume and complete take it, so that they decide no other one. */
      gate: z.string(),
      kind: z.enum(GATE_KINDS),
      message: z.string(),
      since: timestampSchema,
      actionId: z.string().nullable(),
      untilAt: timestampSchema.nullable(),
    })
    .nullable(),
  /** How many machines are in which state. */
  counts: z.record(z.string(), z.int()),
  error: errorRecordSchema.nullable(),
});
export type PlanRunView = z.infer<typeof planRunViewSchema>;

/** GET …/runs/{runId} */
export const planRunReportSchema = planRunViewSchema.extend({
  /** At the gates `failover` and `points`: what a failover now would lose; `null` elsewhere, and where nobody knows. */
  expectedDataLoss: z
    .object({
      largestMinutes: z.number().nullable(),
      machines: z.array(
        z.object({ itemId: z.string(), itemName: z.string(), minutes: z.number().nullable() }),
      ),
    })
    .nullable(),
  report: z.object({
    machines: z.array(
      z.object({
        itemId: z.string(),
        itemName: z.string(),
        groupId: z.string(),
        jobId: z.string().nullable(),
        state: z.enum(MACHINE_STATES),
        downtimeSeconds: z.number().nullable(),
        dataLossSeconds: z.number().nullable(),
        recoveryPointId: z.string().nullable(),
        bootedAt: z.string().nullable(),
        /** The comparison block by block that let the machine boot. */
        proof: z
          .object({
            comparedShare: z.number(),
            blocksCompared: z.number(),
            mismatches: z.number(),
            repairedBlocks: z.number(),
          })
          .nullable(),
        error: z.object({ code: z.string(), message: z.string() }).nullable(),
      }),
    ),
    groups: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        machines: z.int(),
        startedAt: timestampSchema.nullable(),
        endedAt: timestampSchema.nullable(),
      }),
    ),
    actions: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        kind: z.enum(['webhook', 'script', 'manual']),
        groupId: z.string(),
        when: z.enum(['before', 'after']),
        state: z.enum(['waiting', 'notInThisRun', 'running', 'succeeded', 'failed', 'skipped']),
        attempts: z.int(),
        startedAt: timestampSchema.nullable(),
        endedAt: timestampSchema.nullable(),
        detail: z.string(),
      }),
    ),
    longestDowntimeSeconds: z.number().nullable(),
    largestDataLossSeconds: z.number().nullable(),
  }),
});
export type PlanRunReport = z.infer<typeof planRunReportSchema>;
