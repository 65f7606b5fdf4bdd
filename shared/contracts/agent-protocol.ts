import { z } from 'zod';
import { errorRecordSchema } from './errors.ts';
import { identifierSchema, timestampSchema } from './json.ts';
import { osTypeSchema } from './site-facts.ts';
import { transferProgressSchema } from './progress.ts';

/**
 * Agents → control plane, HTTPS only, always outbound from the agent.
 *
 *   POST   /api/agents                                        register        (x-registration-token)
 *   POST   /api/agents/{agentId}/heartbeat                    every 15 s      (authorization: Bearer <agent key>)
 *   GET    /api/agents/{agentId}/commands/{commandId}         the command behind a queue message
 *   POST   /api/agents/{agentId}/commands/{commandId}/progress
 *   POST   /api/agents/{agentId}/commands/{commandId}/result
 *   POST   /api/agents/{agentId}/commands/{commandId}/data-access   short-lived SAS URLs for that command
 *   POST   /api/agents/{agentId}/certificate                  ask for a certificate / fetch it when ready
 *
 * A queue message is `{"commandId": "…"}`, Base64 as Azure Functions queues are. Errors are problem+json.
 */
export const agentKindSchema = z.enum(['configurationServer', 'processServer', 'masterTarget']);
export type AgentKind = z.infer<typeof agentKindSchema>;

export const registerAgentSchema = z.object({
  kind: agentKindSchema,
  /** Unique in the subscription; registering again with the same name and kind keeps the identity. */
  name: identifierSchema,
  version: z.string().max(40),
  /** Where peers reach it; the master target's transfer port. */
  address: z.object({ host: z.string(), port: z.int().min(0).max(65535) }).optional(),
});
export type RegisterAgent = z.infer<typeof registerAgentSchema>;

export const registeredAgentSchema = z.object({
  agentId: identifierSchema,
  /** Shown once; the control plane keeps a hash. */
  agentKey: z.string(),
  /** SAS URL of the agent's command queue (process messages only). */
  queueUrl: z.string(),
  queueUrlExpiresAt: timestampSchema,
});
export type RegisteredAgent = z.infer<typeof registeredAgentSchema>;

/** Of a master target: what the choice among several goes by. */
export const masterTargetLoadSchema = z.object({
  osType: osTypeSchema,
  openReplications: z.int().nonnegative(),
  attachedDiskCount: z.int().nonnegative(),
  retentionFreeBytes: z.int().nonnegative(),
  /** The one that signs its certificate, where it names one. */
  configurationServer: identifierSchema.optional(),
});

export const heartbeatSchema = z.object({
  version: z.string().max(40),
  address: z.object({ host: z.string(), port: z.int() }).optional(),
  runningCommandIds: z.array(z.string()).max(200),
  load: masterTargetLoadSchema.optional(),
});
/** Carries a fresh queue URL when the old one is about to expire. */
export const heartbeatAnswerSchema = z.object({
  queueUrl: z.string().optional(),
  queueUrlExpiresAt: timestampSchema.optional(),
  /** Commands that the control plane gave up: the agent aborts them. */
  cancelledCommandIds: z.array(z.string()),
});

export const queueMessageSchema = z.object({ commandId: z.string().min(1) });

/** The command behind a queue message. `input` is parsed with the schema of `name`. */
export const commandEnvelopeSchema = z.object({
  commandId: z.string(),
  /** May be younger than the agent, which then answers with FB-AGENT-008. */
  name: z.string(),
  input: z.unknown(),
  state: z.enum(['pending', 'succeeded', 'failed', 'cancelled']),
  deadline: timestampSchema,
});
export type CommandEnvelope = z.infer<typeof commandEnvelopeSchema>;

export const commandProgressSchema = transferProgressSchema;

export const commandResultSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: errorRecordSchema }),
]);

/** SAS URLs for the data a command names; secrets, never logged. */
export const dataAccessSchema = z.object({
  /** How the source says what changed: by header for managed disks, by query for page blobs. */
  sourceKind: z.enum(['managedDisk', 'pageBlob']).default('managedDisk'),
  /** Read URL of the snapshot named in replicateDisk. */
  sourceUrl: z.string().optional(),
  /** Read URL of the base snapshot, present when a base was named and still exists. */
  baseUrl: z.string().optional(),
  /** Why a base that was named is withheld, for people. */
  baseRefusal: z.string().optional(),
  /** Read+write URL of the replica page blob named in replicateToAzure. */
  replicaUrl: z.string().optional(),
  expiresAt: timestampSchema,
});
export type DataAccess = z.input<typeof dataAccessSchema>;

/**
 * `csrProof` = hex HMAC-SHA256(passphrase, "csr:" + csrPem): shows the configuration server that the
 * agent knows the passphrase without telling it to the control plane in between.
 * `proof` of the answer = hex HMAC-SHA256(passphrase, "cert:" + certificatePem + caPem).
 */
export const certificateRequestSchema = z.object({
  csrPem: z.string().max(8192),
  csrProof: z.string(),
  /** Which configuration server signs; needed only where several are registered. */
  configurationServer: identifierSchema.optional(),
});
export const certificateAnswerSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('pending') }),
  z.object({
    state: z.literal('issued'),
    certificatePem: z.string(),
    caPem: z.string(),
    proof: z.string(),
  }),
  z.object({ state: z.literal('refused'), error: errorRecordSchema }),
]);
