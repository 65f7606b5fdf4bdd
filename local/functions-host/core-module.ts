/**
 * Stand-in for `@azure/functions-core`, the module that the real Node worker injects. It collects what
 * an app registers. The shapes are those of the worker, which publishes no types for them.
 */
export interface Binding {
  readonly type: string;
  readonly direction?: string;
  readonly name?: string;
  readonly [property: string]: unknown;
}

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, Binding>>;
}

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: (...inputs: unknown[]) => unknown;
}

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(
    context: unknown,
    inputs: unknown[],
    callback: RegisteredFunction['callback'],
  ): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface InvocationResponse {
  readonly returnValue?: RpcData | null;
  readonly outputData?: readonly { readonly name?: string; readonly data?: RpcData | null }[];
}

/** One value as it crosses from worker to host. */
export interface RpcData {
  readonly string?: string | null;
  readonly json?: string | null;
  readonly bytes?: Uint8Array | null;
  readonly int?: number | null;
  readonly double?: number | null;
  readonly http?: RpcHttpResponse | null;
}

export interface RpcHttpResponse {
  readonly statusCode?: string | null;
  readonly headers?: Readonly<Record<string, string>> | null;
  readonly cookies?: readonly RpcCookie[] | null;
  readonly body?: RpcData | null;
}

export interface RpcCookie {
  readonly name?: string;
  readonly value?: string;
  readonly domain?: { readonly value?: string };
  readonly path?: { readonly value?: string };
  readonly expires?: { readonly value?: unknown };
  readonly secure?: { readonly value?: boolean };
  readonly httpOnly?: { readonly value?: boolean };
  readonly sameSite?: string;
  readonly maxAge?: { readonly value?: number };
}

export interface ProgrammingModel {
  readonly name: string;
  getInvocationModel(coreContext: unknown): InvocationModel;
}

/** Called with a context that is the hook's own; it may change what is in it. */
export type Hook = (context: object) => unknown;

interface Registry {
  functions: Map<string, RegisteredFunction>;
  programmingModel: ProgrammingModel | undefined;
  hooks: Map<string, Hook[]>;
}

const registry: Registry = {
  functions: new Map(),
  programmingModel: undefined,
  hooks: new Map(),
};

export class Disposable {
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  dispose(): void {
    this.#release();
  }
}

export const version = '3.99.0';
export const hostVersion = '4.1047.100';

export function setProgrammingModel(model: ProgrammingModel): void {
  registry.programmingModel = model;
}

export function getProgrammingModel(): ProgrammingModel | undefined {
  return registry.programmingModel;
}

export function registerFunction(
  metadata: FunctionMetadata,
  callback: RegisteredFunction['callback'],
): Disposable {
  if (registry.functions.has(metadata.name)) {
    throw new Error(`A function named "${metadata.name}" is registered already.`);
  }
  registry.functions.set(metadata.name, { metadata, callback });
  return new Disposable(() => registry.functions.delete(metadata.name));
}

export function registerHook(name: string, callback: Hook): Disposable {
  const hooks = registry.hooks.get(name) ?? [];
  hooks.push(callback);
  registry.hooks.set(name, hooks);
  return new Disposable(() => {
    const place = hooks.indexOf(callback);
    if (place >= 0) hooks.splice(place, 1);
  });
}

/** The worker's own log channel; the host logs through the invocation instead. */
export function log(): void {
  // Nothing to do: invocations carry their own log callback.
}

/** What the app registered. Throws when it registered nothing. */
export interface FunctionApp {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly programmingModel: ProgrammingModel;
  /** By name: appStart, preInvocation, postInvocation, appTerminate. */
  readonly hooks?: ReadonlyMap<string, readonly Hook[]>;
}

/** Forgets every function and hook. The SDK announces its programming model only once, so that stays. */
export function resetRegistry(): void {
  registry.functions.clear();
  registry.hooks.clear();
}

export function registeredApp(): FunctionApp {
  if (registry.programmingModel === undefined || registry.functions.size === 0) {
    throw new Error('The app registered no functions.');
  }
  const { functions, programmingModel, hooks } = registry;
  return { functions, programmingModel, hooks };
}
