import { z } from 'zod';
import {
  certificateAnswerSchema,
  type certificateRequestSchema,
  commandEnvelopeSchema,
  type CommandEnvelope,
  type DataAccess,
  dataAccessSchema,
  heartbeatAnswerSchema,
  type heartbeatSchema,
  type RegisterAgent,
  type RegisteredAgent,
  registeredAgentSchema,
} from '../../shared/contracts/agent-protocol.ts';
import { errorValuesSchema } from '../../shared/contracts/http/problem.ts';
import type { TransferProgress } from '../../shared/contracts/progress.ts';
import { redact, type Secret } from '../../shared/domain/secret.ts';
import { isErrorCode } from '../../shared/errors/catalogue.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Result } from '../../shared/errors/result.ts';
import { withBackoff } from './backoff.ts';

const TIMEOUT_MS = 60_000;
const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  /** Control planes of earlier versions do not send it. */
  values: errorValuesSchema.default({}),
});

/** The control plane no longer knows our key: register again. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

interface Call {
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What Azure refused is thrown as the control plane named it: the command decides what it means. */
  readonly isAzureAsked?: boolean;
}

/** The agents' side of shared/contracts/agent-protocol.ts. Keys travel in headers and are never logged. */
export class ControlPlaneClient {
  readonly #url: string;
  readonly #signal: AbortSignal;
  #agentId = '';
  #agentKey = '';

  constructor(url: string, signal: AbortSignal) {
    this.#url = url.replace(/\/$/, '');
    this.#signal = signal;
  }

  identify(agentId: string, agentKey: string): void {
    this.#agentId = agentId;
    this.#agentKey = agentKey;
  }

  /** Waits, with growing pauses, for a control plane that is not there yet. */
  async register(agent: RegisterAgent, token: Secret): Promise<RegisteredAgent> {
    const headers = { 'x-registration-token': token.reveal() };
    const call = {
      operation: 'register',
      method: 'POST',
      path: '/api/agents',
      headers,
      body: agent,
    } as const;
    const answer = registeredAgentSchema.parse(await this.#patiently(call));
    this.identify(answer.agentId, answer.agentKey);
    return answer;
  }

  async heartbeat(
    beat: z.infer<typeof heartbeatSchema>,
  ): Promise<z.infer<typeof heartbeatAnswerSchema>> {
    return heartbeatAnswerSchema.parse(
      await this.#send(this.#own('heartbeat', '/heartbeat', beat)),
    );
  }

  async command(commandId: string): Promise<CommandEnvelope> {
    const call = this.#own('read a command', `/commands/${encodeURIComponent(commandId)}`);
    return commandEnvelopeSchema.parse(await this.#patiently({ ...call, method: 'GET' }));
  }

  /** Progress may get lost; the next one comes in a second. */
  async progress(commandId: string, progress: TransferProgress): Promise<void> {
    const path = `/commands/${encodeURIComponent(commandId)}/progress`;
    await this.#send(this.#own('report progress', path, progress));
  }

  /** Does not return before the control plane has the result. */
  async result(commandId: string, result: Result<unknown>): Promise<void> {
    const path = `/commands/${encodeURIComponent(commandId)}/result`;
    await this.#patiently(this.#own('report a result', path, result));
  }

  /** Throws FB-AZ-006 while too much of the disk is open, FB-AZ-004 when the snapshot is gone: neither is waited for here. */
  async dataAccess(commandId: string): Promise<DataAccess> {
    const path = `/commands/${encodeURIComponent(commandId)}/data-access`;
    const call = this.#own('get data access', path, {});
    return dataAccessSchema.parse(await this.#patiently({ ...call, isAzureAsked: true }));
  }

  async certificate(
    request: z.infer<typeof certificateRequestSchema>,
  ): Promise<z.infer<typeof certificateAnswerSchema>> {
    const call = this.#own('get a certificate', '/certificate', request);
    return certificateAnswerSchema.parse(await this.#patiently(call));
  }

  #own(operation: string, path: string, body?: unknown): Call {
    const headers = { authorization: `Bearer ${this.#agentKey}` };
    return {
      operation,
      method: 'POST',
      path: `/api/agents/${this.#agentId}${path}`,
      headers,
      body,
    };
  }

  async #patiently(call: Call): Promise<unknown> {
    return withBackoff(async () => this.#send(call), {
      firstMs: 500,
      maxMs: 15_000,
      signal: this.#signal,
      isWorthRetrying: (error) => error instanceof FailbackError && error.code === 'FB-AGENT-004',
    });
  }

  async #send(call: Call): Promise<unknown> {
    const { operation, method, path, headers, body } = call;
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      this.#signal.throwIfAborted();
      const detail = redact(error instanceof Error ? error.message : String(error));
      const values = { status: 'nothing', operation, detail };
      throw new FailbackError('FB-AGENT-004', values, { cause: error });
    }
    if (!response.ok) throw refusal(call, response.status, text);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }
}

/** The configuration server that signs certificates may come up after the agent that asks. */
const PASSING_CODES: readonly string[] = ['FB-ORC-010', 'FB-AZ-002', 'FB-REQ-008'];
const PASSING_STATUS: readonly number[] = [404, 412, 429];

function refusal({ operation, isAzureAsked }: Call, status: number, text: string): Error {
  const problem = problemSchema.safeParse(parse(text)).data;
  const detail = redact(problem?.detail ?? text.slice(0, 200));
  if (problem?.code === 'FB-REQ-006' && operation !== 'register') return new KeyRefused(operation);
  if (isPassing(problem, status)) {
    return new FailbackError('FB-AGENT-004', { status, operation, detail });
  }
  const ofAzure = isAzureAsked === true ? azureRefusal(problem) : null;
  const code = problem?.code ?? status;
  return ofAzure ?? new FailbackError('FB-AGENT-005', { operation, code, detail });
}

type Problem = z.infer<typeof problemSchema> | undefined;

/** Without our problem document the answer comes from a host that has not loaded the app yet. */
function isPassing(problem: Problem, status: number): boolean {
  if (problem !== undefined) return PASSING_CODES.includes(problem.code);
  return status >= 500 || PASSING_STATUS.includes(status);
}

function azureRefusal(problem: Problem): FailbackError | null {
  const { code = '', values } = problem ?? {};
  return code.startsWith('FB-AZ-') && isErrorCode(code) ? new FailbackError(code, values) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
