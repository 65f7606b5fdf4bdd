import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

/** A failure that the next matching requests get instead of an answer. For tests. */
export interface Fault {
  /** Tested against `METHOD /path?query`. */
  readonly match: RegExp;
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds?: number;
  readonly times: number;
}

/** Stands before a storage server: refuses revoked SAS URLs and injects faults. */
export class Front {
  readonly #revokedSignatures = new Set<string>();
  #faults: { fault: Fault; left: number }[] = [];

  /** A SAS URL that was granted and is taken back, as revokeAccess of a managed disk does. */
  revoke(sasUrl: string): void {
    const signature = new URL(sasUrl).searchParams.get('sig');
    if (signature !== null) this.#revokedSignatures.add(signature);
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times });
  }

  clearFaults(): void {
    this.#faults = [];
  }

  attach(server: Server): void {
    const listeners = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (this.#refuse(request, response)) return;
      for (const listener of listeners) listener(request, response);
    });
  }

  #refuse(request: IncomingMessage, response: ServerResponse): boolean {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const base = request.headers['x-ms-previous-snapshot-url'];
    const baseSignature = typeof base === 'string' ? new URL(base).searchParams.get('sig') : null;
    const signatures = [url.searchParams.get('sig'), baseSignature];
    if (signatures.some((sig) => sig !== null && this.#revokedSignatures.has(sig))) {
      return answer(request, response, { status: 403, code: 'AuthenticationFailed' });
    }
    const line = `${request.method} ${url.pathname}${url.search}`;
    const active = this.#faults.find(({ fault, left }) => left > 0 && fault.match.test(line));
    if (active === undefined) return false;
    active.left -= 1;
    return answer(request, response, active.fault);
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, retryAfterSeconds }: Pick<Fault, 'status' | 'code' | 'retryAfterSeconds'>,
): true {
  request.resume();
  response.writeHead(status, {
    'content-type': 'application/xml',
    'x-ms-error-code': code,
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(
    `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
  return true;
}
