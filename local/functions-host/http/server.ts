import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Of the real host, where the setting FUNCTIONS_REQUEST_BODY_SIZE_LIMIT replaces it. */
const MAX_BODY_BYTES = 104_857_600;

export interface HttpRequestData {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

export type HttpHandler = (request: HttpRequestData) => Promise<HttpAnswer>;

export function jsonAnswer(status: number, value: unknown, headers = {}): HttpAnswer {
  const contentType = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...contentType, ...headers }, body: JSON.stringify(value) };
}

export interface ServerOptions {
  /** 0 = any free port. */
  readonly port: number;
  readonly maxBodyBytes?: number | undefined;
  readonly handler: HttpHandler;
  readonly onError: (error: unknown) => void;
}

/** A server on loopback; rejects with one clear sentence when the port is taken. */
export async function listen(options: ServerOptions): Promise<{ server: Server; url: string }> {
  const { port } = options;
  const server = createServer((request, response) => {
    void respond(request, response, options);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE';
      const text = `Port ${port} is in use. Stop what listens there, or choose another with --port.`;
      reject(isTaken ? new Error(text, { cause: error }) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${actual}` };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: ServerOptions,
): Promise<void> {
  const answer = await answerTo(request, options);
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    response.setHeader(name, value);
  }
  response.writeHead(answer.status);
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(
  request: IncomingMessage,
  { handler, onError, maxBodyBytes = MAX_BODY_BYTES }: ServerOptions,
): Promise<HttpAnswer> {
  try {
    const body = await readBody(request, maxBodyBytes);
    if (body === null) return { status: 413 };
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    return await handler({ method: request.method ?? 'GET', url, headers, body });
  } catch (error) {
    // A path with a broken percent sign in it.
    if (error instanceof URIError) return { status: 400 };
    onError(error);
    return { status: 500 };
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    // Read to the end all the same: whoever leaves the loop cuts the connection before the answer is out.
    if (lengthBytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return lengthBytes > maxBytes ? null : Buffer.concat(chunks);
}
