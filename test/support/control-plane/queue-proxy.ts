import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Between an agent and its queue: makes messages visible again sooner than the agent asks for. An agent that
 * died leaves its message invisible for a minute, which no test has time for. Renewals are let through.
 */
export class QueueProxy {
  /** What the agent gets instead of the visibility it asks for when it receives; `null` = as it asks. */
  visibilitySeconds: number | null = null;
  /** What happens on the queue, as `METHOD path`; never the query, which holds the SAS. */
  readonly calls: string[] = [];
  readonly #target: URL;
  readonly #server: Server;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', this.#target);
      this.calls.push(`${request.method} ${url.pathname}`);
      const isReceive = request.method === 'GET' && url.pathname.endsWith('/messages');
      if (isReceive && this.visibilitySeconds !== null) {
        url.searchParams.set('visibilitytimeout', String(this.visibilitySeconds));
      }
      const { host: _host, ...headers } = request.headers;
      const passed = send(url, { method: request.method ?? 'GET', headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.on('error', () => response.destroy());
      request.pipe(passed);
    });
  }

  static async start(target: string): Promise<QueueProxy> {
    const proxy = new QueueProxy(new URL(target));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same queue, reached through here; a SAS does not sign the host. */
  through(queueUrl: string): string {
    const url = new URL(queueUrl);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
