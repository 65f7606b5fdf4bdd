import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import type { FunctionApp } from './core-module.ts';
import { clientBinding } from './durable/client-binding.ts';
import { DurableEngine } from './durable/engine.ts';
import { DurableManagement } from './durable/management.ts';
import { DurableStore } from './durable/store.ts';
import { installTaskCapture } from './durable/task-capture.ts';
import { answerDurable } from './http/durable-endpoint.ts';
import { answerFunction } from './http/function-endpoint.ts';
import { equal, type FunctionKeys, loadKeys } from './http/keys.ts';
import { httpRoutes } from './http/routes.ts';
import { type HttpAnswer, type HttpRequestData, jsonAnswer, listen } from './http/server.ts';
import { Invoker } from './invoke.ts';
import { type Clock, systemClock } from './support/clock.ts';
import { type HostLogger, silentLogger } from './support/logger.ts';
import { type Random, systemRandom } from './support/random.ts';
import { TimerTriggers } from './timers.ts';

export interface HostOptions {
  readonly app: FunctionApp;
  /** `durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor` of the app's own copy. */
  readonly executorModule: unknown;
  /** Keys and history are kept here. */
  readonly dataFolder: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly settings?: Readonly<Record<string, string | undefined>>;
  readonly hostJson?: unknown;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: HostLogger;
}

export interface FunctionsHost {
  readonly url: string;
  readonly keys: FunctionKeys;
  readonly functionNames: readonly string[];
  readonly durable: DurableManagement;
  /** Resolves when no turn and no activity runs. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

const hostJsonSchema = z.looseObject({
  extensions: z
    .looseObject({
      http: z.looseObject({ routePrefix: z.string().default('api') }).prefault({}),
      durableTask: z.looseObject({ hubName: z.string().default('TestHubName') }).prefault({}),
    })
    .prefault({}),
});

export function readHostJson(appRoot: string): unknown {
  return JSON.parse(readFileSync(join(appRoot, 'host.json'), 'utf8')) as unknown;
}

/** Starts a host for a loaded app. Throws one clear sentence when the folder or the port is not usable. */
export async function startFunctionsHost(options: HostOptions): Promise<FunctionsHost> {
  const { app, dataFolder, clock = systemClock, random = systemRandom } = options;
  const { logger = silentLogger, settings = {} } = options;
  assertWritable(dataFolder);
  const { extensions } = hostJsonSchema.parse(options.hostJson ?? {});
  installTaskCapture(options.executorModule);
  const keys = loadKeys(dataFolder);
  const store = new DurableStore(join(dataFolder, 'durable.sqlite'));
  const invoker = new Invoker(app, random, logger);
  let baseUrl = '';
  const { hubName: taskHub } = extensions.durableTask;
  const binding = (): string => clientBinding({ baseUrl, durableKey: keys.durable, taskHub });
  const engine = new DurableEngine({
    invoker,
    store,
    clock,
    random,
    logger,
    clientBinding: binding,
  });
  const hasOrchestrator = (name: string): boolean => hasTrigger(app, name, 'orchestrationTrigger');
  const durable = new DurableManagement({ engine, store, random, hasOrchestrator });
  const functions = [...app.functions.values()];
  const timerOptions = { invoker, clock, logger, settings, clientBinding: binding };
  const timers = new TimerTriggers(functions, timerOptions);
  const routes = httpRoutes(functions, extensions.http.routePrefix);
  const { server, url } = await listen(options.port, async (request) => {
    const endpoint = { invoker, routes, keys, logger, clientBinding: binding };
    return (
      answerSystem({ durable, keys, timers }, request) ??
      (await answerFunction(endpoint, request)) ?? { status: 404 }
    );
  });
  baseUrl = url;
  engine.start();
  timers.start();
  return {
    url,
    keys,
    functionNames: functions.map(({ metadata }) => metadata.name),
    durable,
    idle: () => engine.idle(),
    stop: async () => {
      timers.stop();
      engine.kill();
      await closeServer(server);
      await engine.idle();
      store.close();
    },
  };
}

interface SystemParts {
  readonly durable: DurableManagement;
  readonly keys: FunctionKeys;
  readonly timers: TimerTriggers;
}

const RPC_PREFIX = '/durabletask/';
const WEBHOOK_PREFIX = '/runtime/webhooks/durabletask/';

/** Paths of the host itself; `null` for all others. */
function answerSystem(
  parts: SystemParts,
  request: HttpRequestData,
): HttpAnswer | Promise<HttpAnswer> | null {
  const { pathname, searchParams } = request.url;
  const given = request.headers['x-functions-key'] ?? searchParams.get('code') ?? '';
  const isMaster = equal(given, parts.keys.master);
  // The real host's RPC endpoint is open to its own machine only, as this one is.
  if (pathname.startsWith(RPC_PREFIX)) {
    return answerDurable(parts.durable, request, pathname.slice(RPC_PREFIX.length));
  }
  if (pathname.startsWith(WEBHOOK_PREFIX)) {
    if (!isMaster && !equal(given, parts.keys.durable)) return { status: 401 };
    return answerDurable(parts.durable, request, pathname.slice(WEBHOOK_PREFIX.length));
  }
  if (pathname === '/admin/host/status') return jsonAnswer(200, { state: 'Running' });
  const adminRun = /^\/admin\/functions\/(\w+)$/.exec(pathname)?.[1];
  if (adminRun === undefined || request.method !== 'POST') return null;
  return isMaster ? runTimer(parts.timers, adminRun) : { status: 401 };
}

async function runTimer(timers: TimerTriggers, functionName: string): Promise<HttpAnswer> {
  await timers.run(functionName);
  return { status: 202 };
}

function hasTrigger(app: FunctionApp, name: string, type: string): boolean {
  const bindings = app.functions.get(name)?.metadata.bindings ?? {};
  return Object.values(bindings).some((binding) => binding.type === type);
}

function assertWritable(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new Error(`The data folder ${folder} is not writable; choose another.`, { cause: error });
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
