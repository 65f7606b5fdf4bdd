import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';
import { decodeAnswer } from './decode.ts';
import { encodeCall } from './encode.ts';
import type { MethodName } from './field-orders.ts';
import { agentFor } from './pinned-agent.ts';
import { type CallOptions, ConnectionLost, VimFault, type VimTransport } from './transport.ts';
import type { MethodArguments, MoRef, VimData } from './values.ts';

/** Understood by every vCenter and ESXi that this product supports. */
const FIRST_API_VERSION = '6.5';
/** Beyond any real inventory page; a server that never ends must not take all memory. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** As many calls at a time as a server has patience for. Each ends soon, and lets the next one through. */
const MAX_CALLS = 8;
/**
 * Each running task has one that waits for its end. They have connections of their own, or tasks would keep
 * everybody else waiting, also those who look at whether the server still answers.
 */
const WAITS: readonly MethodName[] = ['WaitForUpdatesEx'];

interface SoapOptions {
  /** `https://vcenter.example/`; the path of the API is added. Plain HTTP is for simulators. */
  readonly url: string;
  /** SHA-256 or SHA-1, with or without colons; `null` = the authorities of this machine decide. */
  readonly thumbprint: string | null;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Exchange {
  readonly agent: Agent;
  readonly signal: AbortSignal;
  /** Called once it has a connection. */
  readonly begin: () => void;
}

export class SoapTransport implements VimTransport {
  readonly address: string;
  readonly #url: URL;
  readonly #calls: Agent;
  readonly #waits: Agent;
  #apiVersion = FIRST_API_VERSION;
  #cookie: string | null = null;

  constructor({ url, thumbprint }: SoapOptions) {
    this.#url = new URL('/sdk', url);
    this.address = this.#url.host;
    this.#calls = agentFor(this.#url, { thumbprint, maxSockets: MAX_CALLS });
    this.#waits = agentFor(this.#url, { thumbprint, maxSockets: Infinity });
  }

  async call<M extends MethodName>(
    method: M,
    self: MoRef,
    parameters: MethodArguments<M>,
    { signal, timeoutMs }: CallOptions,
  ): Promise<VimData | undefined> {
    const body = encodeCall(method, self, parameters);
    const agent = WAITS.includes(method) ? this.#waits : this.#calls;
    const answer = await this.#post(body, agent, { signal, timeoutMs });
    const decoded = decodeAnswer(answer.body);
    if (decoded === null) {
      const start = answer.body.slice(0, 100).replaceAll(/\s+/g, ' ');
      throw new ConnectionLost(`it answered ${method} with HTTP ${answer.status}: ${start}`);
    }
    if (decoded.kind === 'fault') {
      throw new VimFault(decoded.fault, decoded.message, decoded.detail);
    }
    return decoded.value;
  }

  useApiVersion(version: string): void {
    this.#apiVersion = version;
  }

  forgetSession(): void {
    this.#cookie = null;
  }

  close(): void {
    this.#calls.destroy();
    this.#waits.destroy();
  }

  /** The time begins with the connection: a call that waits for its turn is not one that the server leaves lying. */
  async #post(body: string, agent: Agent, { signal, timeoutMs }: CallOptions): Promise<Answer> {
    const timeout = new AbortController();
    const either =
      signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
    let timer: NodeJS.Timeout | undefined;
    const begin = (): void => {
      timer = setTimeout(() => timeout.abort(), timeoutMs);
    };
    try {
      return await this.#exchange(body, { agent, signal: either, begin });
    } catch (error) {
      signal?.throwIfAborted();
      throw lost(error, timeout.signal.aborted ? timeoutMs : null);
    } finally {
      clearTimeout(timer);
    }
  }

  async #exchange(body: string, { agent, signal, begin }: Exchange): Promise<Answer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = this.#url.protocol === 'http:' ? requestHttp : requestHttps;
      const outgoing = send(this.#url, {
        method: 'POST',
        agent,
        signal,
        headers: {
          'content-type': 'text/xml; charset=utf-8',
          'content-length': Buffer.byteLength(body),
          soapaction: `"urn:vim25/${this.#apiVersion}"`,
          ...(this.#cookie === null ? {} : { cookie: this.#cookie }),
        },
      });
      outgoing.once('socket', begin);
      outgoing.once('response', resolve);
      outgoing.once('error', reject);
      outgoing.end(body);
    });
    this.#keepCookie(response);
    let received = 0;
    response.on('data', (part: Buffer) => {
      received += part.length;
      if (received > MAX_ANSWER_BYTES) response.destroy(new Error('the answer does not end'));
    });
    return { status: response.statusCode ?? 0, body: await text(response) };
  }

  #keepCookie({ headers }: IncomingMessage): void {
    const cookies = (headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0] ?? '');
    const session = cookies.find((cookie) => cookie.startsWith('vmware_soap_session='));
    if (session !== undefined) this.#cookie = session;
  }
}

function lost(error: unknown, timeoutMs: number | null): Error {
  if (error instanceof FailbackError) return error;
  if (timeoutMs !== null) return new ConnectionLost(`no answer within ${timeoutMs} ms`);
  // Not instanceof: errors of sockets come from another realm in tests.
  const reason =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return new ConnectionLost(String(reason), { cause: error });
}
