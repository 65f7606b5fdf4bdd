import {
  createServer,
  type IncomingMessage,
  request as send,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataAccess } from '../../shared/contracts/agent-protocol.ts';

type GrantAccess = () => Promise<DataAccess>;

/**
 * Between the agents and the control plane: answers for the SAS URLs of the benchmark's disks, which no
 * subscription knows, passes everything else on, and remembers when an agent fetched a command.
 */
export class AgentFront {
  readonly #server: Server;
  readonly #target: URL;
  readonly #grants = new Map<string, GrantAccess>();
  readonly #fetchedAtMs = new Map<string, number>();

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(target: string): Promise<AgentFront> {
    const front = new AgentFront(target);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  grant(commandId: string, access: GrantAccess): void {
    this.#grants.set(commandId, access);
  }

  /** By `performance.now`; `undefined` while the command lies in the queue. */
  fetchedAtMs(commandId: string): number | undefined {
    return this.#fetchedAtMs.get(commandId);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, commandId = '', rest] = /\/commands\/([^/]+)(\/.*)?$/.exec(request.url ?? '') ?? [];
    if (request.method === 'GET' && rest === undefined && !this.#fetchedAtMs.has(commandId)) {
      this.#fetchedAtMs.set(commandId, performance.now());
    }
    const grant = rest === '/data-access' ? this.#grants.get(commandId) : undefined;
    if (grant === undefined) {
      this.#pass(request, response);
      return;
    }
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(await grant()));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { host: _host, ...headers } = request.headers;
    const url = new URL(request.url ?? '/', this.#target);
    const passed = send(url, { method: request.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  }
}
