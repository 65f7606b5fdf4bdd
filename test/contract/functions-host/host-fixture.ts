import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, jest } from '@jest/globals';
import { app, type HttpRequest } from '@azure/functions';
import * as df from 'durable-functions';
import * as core from '../../../local/functions-host/core-module.ts';
import {
  type FunctionsHost,
  startFunctionsHost,
} from '../../../local/functions-host/create-host.ts';
import { VirtualClock } from '../../../local/functions-host/support/clock.ts';
import { type HostLogger, silentLogger } from '../../../local/functions-host/support/logger.ts';
import { countingRandom } from '../../../local/functions-host/support/random.ts';

type UseClient = (client: df.DurableClient, request: HttpRequest) => Promise<unknown>;

/** What the functions of this file were given, and how they behave. */
interface Observed {
  /** The newest request to `echo`. */
  seen: HttpRequest | undefined;
  readonly ticks: unknown[];
  readonly pings: unknown[];
  tickFails: boolean;
  useClient: UseClient;
}

const untouched = (): Observed => ({
  seen: undefined,
  ticks: [],
  pings: [],
  tickFails: false,
  useClient: async () => null,
});

// The SDK registers functions for good, so they look up here what the test in hand wants of them.
let observed = untouched();

const client = df.input.durableClient();

app.http('echo', {
  methods: ['GET', 'POST'],
  route: 'items/{id}/{part?}',
  authLevel: 'function',
  handler: async (request) => {
    observed.seen = request;
    const body = request.method === 'POST' ? await request.text() : null;
    return {
      status: 201,
      headers: { 'x-test': 'yes' },
      cookies: [
        { name: 'a', value: '1', path: '/', httpOnly: true, sameSite: 'Strict' },
        { name: 'b', value: '2', maxAge: 60, expires: new Date('2026-11-02T00:00:00Z') },
      ],
      jsonBody: { params: request.params, query: Object.fromEntries(request.query), body },
    };
  },
});
app.http('fixed', {
  methods: ['GET'],
  route: 'items/fixed',
  authLevel: 'anonymous',
  handler: () => ({ body: 'fixed' }),
});
app.http('rest', {
  methods: ['GET'],
  route: 'files/{*path}',
  authLevel: 'anonymous',
  handler: (request) => ({ body: request.params['path'] ?? '' }),
});
app.http('admin', {
  methods: ['GET'],
  route: 'secure',
  authLevel: 'admin',
  handler: () => ({ body: 'in' }),
});
app.http('broken', {
  methods: ['GET'],
  route: 'broken',
  authLevel: 'anonymous',
  handler: () => {
    throw new Error('broken with ?sig=abcdef');
  },
});
app.http('durable', {
  methods: ['POST'],
  route: 'durable',
  authLevel: 'anonymous',
  extraInputs: [client],
  handler: async (request, context) => {
    try {
      return {
        jsonBody: { result: (await observed.useClient(df.getClient(context), request)) ?? null },
      };
    } catch (error) {
      return { jsonBody: { error: String(error) } };
    }
  },
});
app.timer('tick', {
  schedule: '%TICK_SCHEDULE%',
  handler: (timer) => {
    observed.ticks.push(timer);
    if (observed.tickFails) throw new Error('tick failed');
  },
});
df.app.activity('ping', {
  handler: (input: unknown) => {
    observed.pings.push(input);
    return input;
  },
});
df.app.orchestration('pingOnce', function* (context) {
  return (yield context.df.callActivity('ping', context.df.getInput())) as unknown;
});
df.app.orchestration('wait', function* (context) {
  return (yield context.df.waitForExternalEvent('go')) as unknown;
});
df.app.orchestration('fails', function* (context) {
  yield context.df.callActivity('ping', 'fails');
  throw new Error('on purpose');
});

const START = new Date('2026-11-01T00:00:00Z');

/** A private path of the SDK, without types: the host describes what it uses of it. */
const executorModule = jest.requireActual(
  'durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor',
);

interface Overrides {
  readonly settings?: Record<string, string>;
  readonly hostJson?: unknown;
  readonly silent?: boolean;
}

/** The host of one test, with the functions of this file, in a folder of its own. */
class HostFixture {
  folder = '';
  clock = new VirtualClock(START);
  /** `<level> <message>` of everything that was logged. */
  lines: string[] = [];
  #running: FunctionsHost | undefined;

  get observed(): Observed {
    return observed;
  }

  reset(): void {
    this.folder = mkdtempSync(join(tmpdir(), 'functions-host-'));
    this.clock = new VirtualClock(START);
    this.lines = [];
  }

  /** Started again it is the same host: same folder, same clock. */
  async start({ settings = {}, hostJson, silent = false }: Overrides = {}): Promise<FunctionsHost> {
    const logger: HostLogger = {
      log: (level, message) => this.lines.push(`${level} ${message}`),
    };
    const host = await startFunctionsHost({
      app: core.registeredApp(),
      executorModule,
      dataFolder: this.folder,
      port: 0,
      hostJson,
      clock: this.clock,
      random: countingRandom(),
      logger: silent ? silentLogger : logger,
      settings: { TICK_SCHEDULE: '0 */15 * * * *', ...settings },
    });
    this.#running = host;
    process.env['WEBSITE_HOSTNAME'] = new URL(host.url).host;
    return host;
  }

  async idle(): Promise<void> {
    await this.#running?.idle();
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** Runs `use` inside a function with the client that the binding gives it. */
  async asClient(use: UseClient): Promise<{ result?: unknown; error?: string }> {
    observed.useClient = use;
    const response = await fetch(`${this.#running?.url}/api/durable`, { method: 'POST' });
    return (await response.json()) as { result?: unknown; error?: string };
  }
}

/** Gives each test of the file it is called in a host of its own, and stops it afterwards. */
export function useHost(): HostFixture {
  const host = new HostFixture();
  beforeEach(() => {
    observed = untouched();
    host.reset();
  });
  afterEach(async () => {
    await host.stop();
    rmSync(host.folder, { recursive: true, force: true });
  });
  afterAll(() => {
    delete process.env['WEBSITE_HOSTNAME'];
  });
  return host;
}

export const withKey = (key: string | undefined): RequestInit => ({
  headers: { 'x-functions-key': key ?? '' },
});
