import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const MAX_BODY_BYTES = 100 * 1024 * 1024;

export interface HttpRequestData {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export type HttpHandler = (request: HttpRequestData) => Promise<HttpAnswer>;

export function jsonAnswer(status: number, value: unknown, headers = {}): HttpAnswer {
  const contentType = { 'content-type': 'application/json; charset=utf-8' };
  return { status, headers: { ...contentType, ...headers }, body: JSON.stringify(value) };
}

/** A server on loopback; rejects with one clear sentence when the port is taken. */
export async function listen(
  port: number,
  handler: HttpHandler,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    void respond(request, response, handler);
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
  handler: HttpHandler,
): Promise<void> {
  const answer = await answerTo(request, handler);
  response.writeHead(answer.status, answer.headers);
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}

async function answerTo(request: IncomingMessage, handler: HttpHandler): Promise<HttpAnswer> {
  try {
    const body = await readBody(request);
    if (body === null) return { status: 413 };
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    return await handler({ method: request.method ?? 'GET', url, headers, body });
  } catch {
    return { status: 500 };
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
