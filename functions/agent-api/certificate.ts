import { createHash } from 'node:crypto';
import type { z } from 'zod';
import {
  type certificateAnswerSchema,
  certificateRequestSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { COMMANDS } from '../../shared/contracts/commands.ts';
import { commandId } from '../../shared/contracts/orchestrations.ts';
import type { ErrorRecord } from '../../shared/errors/failback-error.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { DEADLINE_MS } from '../../shared/policy/deadlines.ts';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import { sendCommand } from '../../shared/services/send-command.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { type Handle, readBody, validate } from '../support/http.ts';
import { authenticate } from './authenticate.ts';

type Answer = z.infer<typeof certificateAnswerSchema>;

/**
 * Passes a certificate request on to the configuration server and, asked again with the same request,
 * its answer back. The control plane sees neither the passphrase nor a private key.
 */
export const certificate: Handle = async (request, deps) => {
  const agent = await authenticate(request, deps);
  const { csrPem, csrProof, configurationServer } = await readBody(
    request,
    certificateRequestSchema,
  );
  const fingerprint = createHash('sha256').update(csrPem).digest('hex').slice(0, 16);
  const id = commandId(`certificate-${agent.id}`, fingerprint);
  const known = await deps.stores.commands.get(id);
  if (known === null) {
    if (agent.kind === 'configurationServer') {
      throw new FailbackError('FB-REQ-006');
    }
    const signer = await findSigner(deps, configurationServer);
    const deadlineAt = new Date(
      deps.clock.now().getTime() + DEADLINE_MS.quickCommand,
    ).toISOString();
    await sendCommand(deps, {
      commandId: id,
      agentId: signer.id,
      name: 'issueCertificate',
      input: { agentName: agent.name, agentKind: agent.kind, csrPem, csrProof },
      deadlineAt,
      instanceId: '',
    });
  }
  const answer = answerOf(known?.value.result ?? null);
  return { status: answer.state === 'pending' ? 202 : 200, jsonBody: answer };
};

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
