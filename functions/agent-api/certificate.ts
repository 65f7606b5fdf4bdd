import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  certificateAnswerSchema,
  certificateRequestSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { type CommandInput, COMMANDS } from '../../shared/contracts/commands.ts';
import { commandId } from '../../shared/contracts/orchestrations.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import type { AgentRecord, CommandRecord } from '../../shared/ports/stores.ts';
import { sendCommand } from '../../shared/services/send-command.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { Refused } from '../security/refused.ts';
import { agentRoute } from '../support/route.ts';
import { validate } from '../support/validate.ts';

type Answer = z.infer<typeof certificateAnswerSchema>;

/**
 * Passes a certificate request on to the configuration server and, asked again with the same request,
 * its answer back. The control plane sees neither the passphrase nor a private key.
 */
export const certificateRoute = agentRoute({
  name: 'agentCertificate',
  method: 'POST',
  path: 'agents/{agentId}/certificate',
  summary: 'Asks for a certificate, or fetches it once it was issued',
  params: z.object({ agentId: z.string() }),
  body: certificateRequestSchema,
  responses: {
    200: { description: 'Issued, or refused for good.', schema: certificateAnswerSchema },
    202: { description: 'Not there yet: ask again.', schema: certificateAnswerSchema },
  },
  handle: async ({ agent, body: { csrPem, csrProof, configurationServer } }, deps) => {
    const fingerprint = createHash('sha256').update(csrPem).digest('hex').slice(0, 16);
    const id = commandId(`certificate-${agent.id}`, fingerprint);
    const known = await deps.stores.commands.get(id);
    const result = known?.value.result ?? null;
    if (result === null && isUnasked(known?.value ?? null, deps.clock.now())) {
      if (agent.kind === 'configurationServer') {
        throw new Refused('FB-REQ-006', `agent ${agent.id}`);
      }
      const signer = await findSigner(deps, configurationServer);
      const input = { agentName: agent.name, agentKind: agent.kind, csrPem, csrProof };
      await askSigner(deps, { id, signer, input });
    }
    const answer = answerOf(result);
    return { status: answer.state === 'pending' ? 202 : 200, jsonBody: answer };
  },
});

/** Also whoever did not answer in time: its message is lost, or another configuration server stands in its place. */
function isUnasked(known: CommandRecord | null, now: Date): boolean {
  return known === null || Date.parse(known.deadlineAt) <= now.getTime();
}

async function askSigner(
  deps: FunctionDeps,
  {
    id: commandId,
    signer: { id: agentId },
    input,
  }: {
    readonly id: string;
    readonly signer: AgentRecord;
    readonly input: CommandInput<'issueCertificate'>;
  },
): Promise<void> {
  const sentAt = deps.clock.now();
  const deadlineAt = new Date(sentAt.getTime() + DEADLINE_MS.quickCommand).toISOString();
  await updateRecord(deps.stores.commands, commandId, (late) =>
    late.result === null ? { ...late, agentId, deadlineAt, sentAt: sentAt.toISOString() } : late,
  );
  const command = { name: 'issueCertificate', instanceId: '', input } as const;
  await sendCommand(deps, { ...command, commandId, agentId, deadlineAt });
}

async function findSigner(deps: FunctionDeps, name: string | undefined): Promise<AgentRecord> {
  const agents = await deps.stores.agents.list();
  const signer = agents.find(
    (agent) => agent.kind === 'configurationServer' && (name === undefined || agent.name === name),
  );
  if (signer === undefined) {
    throw new FailbackError('FB-ORC-010', { kind: 'configurationServer', name: name ?? '(any)' });
  }
  return signer;
}

function answerOf(
  result: { ok: true; value: unknown } | { ok: false; error: ErrorRecord } | null,
): Answer {
  if (result === null) return { state: 'pending' };
  if (!result.ok) return { state: 'refused', error: result.error };
  return { state: 'issued', ...validate(COMMANDS.issueCertificate.output, result.value) };
}
