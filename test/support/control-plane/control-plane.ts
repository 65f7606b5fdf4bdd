import { randomBytes } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { QueueServiceClient } from '@azure/storage-queue';
import { AGENT_ROUTES } from '../../../functions/agent-api/routes.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { answering } from '../../../functions/support/http.ts';
import type { Route } from '../../../functions/support/route.ts';
import { type Azurite, startAzurite } from '../../../local/azurite/start-azurite.ts';
import type { PemPair } from '../../../local/tls/create-certificate.ts';
import { StorageAgentQueues } from '../../../shared/adapters/azure/agent-queues.ts';
import type { CommandInput, CommandName } from '../../../shared/contracts/commands.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { Result } from '../../../shared/errors/result.ts';
import type { AgentQueues } from '../../../shared/ports/messaging.ts';
import type { CommandRecord, Stores } from '../../../shared/ports/stores.ts';
import { sendCommand } from '../../../shared/services/send-command.ts';
import { createMemoryStores } from './memory-stores.ts';
import { QueueProxy } from './queue-proxy.ts';
import { until } from './until.ts';

export const REGISTRATION_TOKEN = 'a registration token of the tests';
const ACCOUNT = 'failback';
/** One key for all: Azurite reads its accounts from the environment, which several instances share. */
const KEY = randomBytes(32).toString('base64');
const HOUR_MS = 3_600_000;

/** One request as the control plane saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly status: number;
}

/**
 * What goes wrong with a request: an answer in place of ours, a connection cut before the handler ran, after
 * it ran, or in the middle of the answer's body.
 */
export type Fault =
  { readonly status: number; readonly body?: string } | 'cutBefore' | 'cutAfter' | 'cutInBody';

export interface Give<N extends CommandName> {
  readonly agentId: string;
  readonly name: N;
  readonly input: CommandInput<N>;
  readonly commandId?: string;
  readonly deadlineAt?: string;
  readonly instanceId?: string;
}

/** The product's agent API over HTTP(S) on loopback, with stores in memory and the lab's real queues. */
export class ControlPlane {
  readonly stores: Stores = createMemoryStores();
  readonly queueProxy: QueueProxy;
  readonly seen: Seen[] = [];
  /** `<instance> <event>` of every wake-up. */
  readonly wakes: string[] = [];
  /** Connections that ended during the handshake: the peer did not trust us. */
  tlsFailures = 0;
  /** Asked before every request; `null` lets it through. */
  fault: (method: string, path: string) => Fault | null = () => null;
  readonly #azurite: Azurite;
  readonly #queues: AgentQueues;
  readonly #server: ReturnType<typeof createHttpServer>;
  #url = '';
  #commands = 0;

  private constructor(azurite: Azurite, queueProxy: QueueProxy, tls: PemPair | null) {
    this.#azurite = azurite;
    this.queueProxy = queueProxy;
    this.#queues = this.#throughProxy();
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#serve(request, response).catch(() => response.destroy());
    };
    this.#server =
      tls === null
        ? createHttpServer(listener)
        : createHttpsServer({ key: tls.keyPem, cert: tls.certificatePem }, listener);
    this.#server.on('tlsClientError', () => (this.tlsFailures += 1));
  }

  get url(): string {
    return this.#url;
  }

  static async start(tls: PemPair | null = null): Promise<ControlPlane> {
    const azurite = await startAzurite({
      ports: { blob: 0, queue: 0, table: 0 },
      accounts: [{ name: ACCOUNT, keyBase64: KEY }],
      managedDiskAccounts: [],
    });
    const queueProxy = await QueueProxy.start(azurite.queueUrl(ACCOUNT));
    const plane = new ControlPlane(azurite, queueProxy, tls);
    await new Promise<void>((resolve) => plane.#server.listen(0, '127.0.0.1', resolve));
    const { port } = plane.#server.address() as AddressInfo;
    plane.#url = `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}`;
    return plane;
  }

  /** Writes a command and its message, as the control plane's own activity does. */
  async give<N extends CommandName>(command: Give<N>): Promise<string> {
    this.#commands += 1;
    const commandId = command.commandId ?? `job-1.${command.name}-${this.#commands}`;
    const deadlineAt = command.deadlineAt ?? new Date(Date.now() + HOUR_MS).toISOString();
    const { agentId, name, input, instanceId = 'instance-1' } = command;
    const rest = { commandId, deadlineAt, agentId, name, input, instanceId };
    await sendCommand(this.#deps(), rest);
    return commandId;
  }

  /** Another message for a command that was sent before. */
  async sendAgain(agentId: string, commandId: string): Promise<void> {
    await this.#queues.send(agentId, commandId);
  }

  /** Anything as a message, Base64 as the product's are. */
  async sendRaw(agentId: string, text: string): Promise<void> {
    await this.#service()
      .getQueueClient(`agent-${agentId}`)
      .sendMessage(Buffer.from(text).toString('base64'));
  }

  /** Messages in the queue, also those that are invisible. */
  async messageCount(agentId: string): Promise<number> {
    const client = this.#service().getQueueClient(`agent-${agentId}`);
    return (await client.getProperties()).approximateMessagesCount ?? 0;
  }

  async command(commandId: string): Promise<CommandRecord> {
    const found = await this.stores.commands.get(commandId);
    if (found === null) throw new Error(`There is no command ${commandId}`);
    return found.value;
  }

  async resultOf(commandId: string): Promise<Result<unknown>> {
    return until(`the result of ${commandId}`, async () => {
      const { result } = await this.command(commandId);
      return result ?? undefined;
    });
  }

  /** Ends a command as the control plane does when its deadline is over. */
  async giveUp(commandId: string, result: Result<unknown>): Promise<void> {
    await this.amend(commandId, { result });
  }

  /** The record as something else has left it, whatever was given. */
  async amend(commandId: string, changes: Partial<CommandRecord>): Promise<void> {
    const found = await this.stores.commands.get(commandId);
    if (found === null) throw new Error(`There is no command ${commandId}`);
    await this.stores.commands.replace({ ...found.value, ...changes }, found.etag);
  }

  /** How often a path was asked for with one of these status codes (any, if none is given). */
  count(path: RegExp, status?: number): number {
    return this.seen.filter(
      (each) => path.test(each.path) && (status === undefined || each.status === status),
    ).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.queueProxy.stop();
    await this.#azurite.stop();
  }

  #service(): QueueServiceClient {
    return QueueServiceClient.fromConnectionString(this.#azurite.connectionString(ACCOUNT));
  }

  #throughProxy(): AgentQueues {
    const queues = new StorageAgentQueues(this.#service(), { now: () => new Date() });
    return {
      send: async (agentId, commandId) => queues.send(agentId, commandId),
      grantReceive: async (agentId) => {
        const { url, expiresAt } = await queues.grantReceive(agentId);
        return { url: new Secret(this.queueProxy.through(url.reveal())), expiresAt };
      },
    };
  }

  /** The agent API uses no more of Azure than this; anything else is a mistake that shows at once. */
  #deps(): FunctionDeps {
    const parts: Partial<FunctionDeps> = {
      stores: this.stores,
      queues: this.#queues,
      clock: { now: () => new Date() },
      registrationToken: new Secret(REGISTRATION_TOKEN),
      newAgentKey: () => randomBytes(32).toString('base64url'),
      newEventKey: () => randomBytes(8).toString('hex'),
      orchestrator: {
        start: async () => undefined,
        isRunning: async () => false,
        wake: async (instanceId, eventName) => void this.wakes.push(`${instanceId} ${eventName}`),
      },
    };
    return parts as FunctionDeps;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = incoming;
    const { pathname } = new URL(url, 'http://127.0.0.1');
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const fault = this.fault(method, pathname);
    if (fault === 'cutBefore') {
      this.seen.push({ method, path: pathname, body, status: 0 });
      response.destroy();
      return;
    }
    const answer =
      fault !== null && typeof fault === 'object'
        ? { status: fault.status, text: fault.body ?? '' }
        : await this.#answer(incoming, pathname, body);
    const { status, text } = answer;
    this.seen.push({ method, path: pathname, body, status });
    if (fault === 'cutAfter') {
      response.destroy();
      return;
    }
    if (fault === 'cutInBody') {
      // Promises more than it gives.
      response.writeHead(status, { 'content-length': Buffer.byteLength(text) + 10 });
      response.write(text, () => response.destroy());
      return;
    }
    response.writeHead(status).end(text);
  }

  async #answer(
    { method = 'GET', headers }: IncomingMessage,
    path: string,
    body: string,
  ): Promise<{ readonly status: number; readonly text: string }> {
    for (const route of AGENT_ROUTES) {
      const params = route.method === method ? paramsOf(route, path) : null;
      if (params === null) continue;
      const request = new HttpRequest({
        method,
        url: new URL(path, 'http://127.0.0.1').href,
        headers: headers as Record<string, string>,
        params,
        ...(body === '' ? {} : { body: { string: body } }),
      });
      const context = new InvocationContext({
        functionName: route.name,
        logHandler: () => undefined,
      });
      const handler = answering(route, () => this.#deps());
      const answer = (await handler(request, context)) as HttpResponseInit;
      const json: unknown = answer.jsonBody;
      const text = json === undefined ? ((answer.body ?? '') as string) : JSON.stringify(json);
      return { status: answer.status ?? 200, text };
    }
    return { status: 404, text: '' };
  }
}

function paramsOf({ path: template }: Route, path: string): Record<string, string> | null {
  const pattern = `/api/${template}`.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  const match = new RegExp(`^${pattern}$`).exec(path);
  if (match === null) return null;
  const groups = Object.entries(match.groups ?? {});
  return Object.fromEntries(groups.map(([name, value]) => [name, decodeURIComponent(value)]));
}
