import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { makeFolder } from '../../agents/runtime/make-folder.ts';
import { z } from 'zod';
import type { FunctionApp, RegisteredFunction } from './core-module.ts';
import { type BindingOptions, clientBinding, managementPayload } from './durable/client-binding.ts';
import { DurableEngine } from './durable/engine.ts';
import { DurableManagement } from './durable/management.ts';
import { DurableStore } from './durable/store.ts';
import { installTaskCapture } from './durable/task-capture.ts';
import { AdminEndpoint } from './http/admin-endpoint.ts';
import { answerFunction } from './http/function-endpoint.ts';
import { type FunctionKeys, loadKeys } from './http/keys.ts';
import { httpRoutes } from './http/routes.ts';
import { listen } from './http/server.ts';
import { answerSystem } from './http/system-endpoint.ts';
import { Invoker } from './invoke.ts';
import { type Clock, systemClock } from './support/clock.ts';
import { type HostLogger, silentLogger } from './support/logger.ts';
import { type Random, systemRandom } from './support/random.ts';
import type { Settings } from './timer-schedule.ts';
import { TimerStatusFile } from './timer-status.ts';
import { TimerTriggers } from './timers.ts';

export interface HostOptions {
  readonly app: FunctionApp;
  /** `durable-functions/lib/src/orchestrations/TaskOrchestrationExecutor` of the app's own copy. */
  readonly executorModule: unknown;
  /** Keys and history are kept here. */
  readonly dataFolder: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly settings?: Settings;
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
  /** Resolves when no turn, no activity and no timer function runs. */
  readonly idle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const hostJsonSchema = z.looseObject({
  extensions: z
    .looseObject({
      http: z.looseObject({ routePrefix: z.string().default('api') }).prefault({}),
      durableTask: z
        .looseObject({
          hubName: z.string().default('TestHubName'),
          maxConcurrentActivityFunctions: z.int().positive().default(10),
          overridableExistingInstanceStates: z
            .enum(['NonRunningStates', 'AnyState'])
            .default('NonRunningStates'),
        })
        .prefault({}),
    })
    .prefault({}),
});

export function readHostJson(appRoot: string): unknown {
  const file = join(appRoot, 'host.json');
  if (!existsSync(file)) {
    throw new Error(`There is no host.json in ${appRoot}; point --app at the root of the app.`);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as unknown;
}

/** Starts a host for a loaded app. Throws one clear sentence when the folder or the port is not usable. */
export async function startFunctionsHost(options: HostOptions): Promise<FunctionsHost> {
  const { app, dataFolder } = options;
  assertWritable(dataFolder);
  installTaskCapture(options.executorModule);
  const store = new DurableStore(join(dataFolder, 'durable.sqlite'));
  try {
    return await startWith(store, options, [...app.functions.values()]);
  } catch (error) {
    store.close();
    throw error;
  }
}

async function startWith(
  store: DurableStore,
  options: HostOptions,
  functions: readonly RegisteredFunction[],
): Promise<FunctionsHost> {
  const { app, dataFolder, clock = systemClock, random = systemRandom } = options;
  const { logger = silentLogger, settings = {} } = options;
  const { http, durableTask } = hostJsonSchema.parse(options.hostJson ?? {}).extensions;
  const keys = loadKeys(dataFolder);
  const invoker = new Invoker(app, random, logger);
  let baseUrl = '';
  const urls = (): BindingOptions => ({
    baseUrl,
    durableKey: keys.durable,
    taskHub: durableTask.hubName,
  });
  const binding = (): string => clientBinding(urls());
  const engine = new DurableEngine({
    invoker,
    store,
    clock,
    random,
    logger,
    clientBinding: binding,
    maxConcurrentActivities: durableTask.maxConcurrentActivityFunctions,
  });
  const durable = new DurableManagement({
    engine,
    store,
    random,
    hasOrchestrator: (name) => hasTrigger(app, name, 'orchestrationTrigger'),
    replacesRunning: durableTask.overridableExistingInstanceStates === 'AnyState',
  });
  const statuses = new TimerStatusFile(dataFolder);
  const trigger = { invoker, clock, logger, settings, clientBinding: binding };
  const timers = new TimerTriggers(functions, { ...trigger, statuses });
  const admin = new AdminEndpoint({ invoker, timers, logger, clientBinding: binding });
  const endpoint = { ...trigger, routes: httpRoutes(functions, http.routePrefix), keys };
  const api = { management: durable, payloadOf: (id: string) => managementPayload(urls(), id) };
  const { server, url } = await listen({
    port: options.port,
    maxBodyBytes: bodyLimit(settings),
    handler: async (request) =>
      answerSystem({ durable: api, keys, admin }, request) ??
      (await answerFunction(endpoint, request)) ?? { status: 404 },
    onError: (error) => logger.log('error', `A request failed: ${String(error)}`),
  });
  baseUrl = url;
  await invoker.runAppHooks('appStart');
  engine.start();
  timers.start();
  const idle = async (): Promise<void> => {
    await Promise.all([timers.idle(), admin.idle()]);
    await engine.idle();
  };
  const functionNames = functions.map(({ metadata }) => metadata.name);
  const stop = async (): Promise<void> => {
    timers.stop();
    engine.kill();
    await closeServer(server);
    await engine.idle();
    await invoker.runAppHooks('appTerminate');
    store.close();
  };
  return { url, keys, functionNames, durable, idle, stop };
}

function bodyLimit(settings: Settings): number | undefined {
  const text = settings['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'];
  return text === undefined ? undefined : z.coerce.number().int().positive().parse(text);
}

function hasTrigger(app: FunctionApp, name: string, type: string): boolean {
  const bindings = app.functions.get(name)?.metadata.bindings ?? {};
  return Object.values(bindings).some((binding) => binding.type === type);
}

function assertWritable(folder: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new Error(`The data folder ${folder} is not writable; choose another.`, { cause: error });
  }
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
