import { Agent as HttpAgent, type AgentOptions } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { codeOf } from '../../../../runtime/error-code.ts';
import { FailbackError } from '../../../../../shared/errors/failback-error.ts';

/** A machine that is away may swallow what is sent to it. */
const CONNECT_MS = 30_000;
const TRUST_FAILURE = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/;

/**
 * Connections to one server. With a thumbprint the server must show exactly that certificate, whoever signed it;
 * without one the authorities that this machine trusts decide. Nothing is sent before. Calls beyond `maxSockets`
 * at a time wait for their turn.
 */
export function agentFor(
  url: URL,
  { thumbprint, maxSockets }: { readonly thumbprint: string | null; readonly maxSockets: number },
): HttpAgent {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: 8 };
  return url.protocol === 'http:' ? new HttpAgent(options) : new PinnedAgent(options, thumbprint);
}

class PinnedAgent extends HttpsAgent {
  readonly #thumbprint: string | null;

  constructor(options: AgentOptions, thumbprint: string | null) {
    super(options);
    this.#thumbprint = thumbprint;
  }

  /** Gives the connection out only when the certificate was looked at. */
  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): null {
    const pin = this.#thumbprint;
    // No session of an earlier connection: a resumed one shows no certificate.
    const settings = { ...options, session: undefined, rejectUnauthorized: pin === null };
    const socket = connect(settings as ConnectionOptions);
    const refuse = (error: Error): void => {
      socket.destroy();
      callback?.(error, socket);
    };
    const fail = (error: Error): void => refuse(untrusted(error, options));
    const tooLate = (): void => fail(new Error(`no connection within ${CONNECT_MS} ms`));
    socket.once('error', fail);
    socket.setTimeout(CONNECT_MS, tooLate);
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      socket.setTimeout(0);
      socket.off('timeout', tooLate);
      const problem = pin === null ? null : mismatch(socket, pin, options);
      if (problem === null) callback?.(null, socket);
      else refuse(problem);
    });
    return null;
  }
}

function mismatch(socket: TLSSocket, pin: string, options: RequestOptions): FailbackError | null {
  const { fingerprint256, fingerprint } = socket.getPeerCertificate();
  // ESXi prints SHA-1 on its console, and 40 digits are one.
  const actual = digits(pin).length === 40 ? fingerprint : fingerprint256;
  if (actual !== '' && digits(actual) === digits(pin)) return null;
  const address = addressOf(options);
  return new FailbackError('FB-VSPHERE-001', { address, actual, expected: pin });
}

function untrusted(error: Error, options: RequestOptions): Error {
  if (!TRUST_FAILURE.test(codeOf(error))) return error;
  const values = { address: addressOf(options), reason: error.message };
  return new FailbackError('FB-VSPHERE-002', values, { cause: error });
}

const addressOf = ({ host, port }: RequestOptions): string => `${host ?? ''}:${port ?? 443}`;
const digits = (thumbprint: string): string =>
  thumbprint.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
