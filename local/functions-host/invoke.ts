import { types } from 'node:util';
import type {
  FunctionApp,
  Hook,
  InvocationResponse,
  RegisteredFunction,
  RpcData,
} from './core-module.ts';
import type { HostLogger, LogLevel } from './support/logger.ts';
import type { Random } from './support/random.ts';

export interface Invocation {
  readonly functionName: string;
  /** Value of each input binding, by the binding's type; the trigger is one of them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly triggerMetadata?: Readonly<Record<string, unknown>>;
}

interface PostInvocation {
  readonly hookData: object;
  readonly invocationContext: unknown;
  readonly inputs: readonly unknown[];
  result: unknown;
  error: unknown;
}

/** Runs functions of the app through its programming model, exactly as the worker does. */
export class Invoker {
  readonly #app: FunctionApp;
  readonly #random: Random;
  readonly #logger: HostLogger;

  constructor(app: FunctionApp, random: Random, logger: HostLogger) {
    this.#app = app;
    this.#random = random;
    this.#logger = logger;
  }

  find(functionName: string): RegisteredFunction | undefined {
    return this.#app.functions.get(functionName);
  }

  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#app.functions;
  }

  /** Throws what the function throws. */
  async invoke({
    functionName,
    inputs,
    triggerMetadata = {},
  }: Invocation): Promise<InvocationResponse> {
    const registered = this.find(functionName);
    if (registered === undefined) {
      throw new Error(`The function "${functionName}" does not exist in this app.`);
    }
    const { metadata, callback } = registered;
    const inputData = Object.entries(metadata.bindings)
      .filter(([, binding]) => binding.type in inputs)
      .map(([name, binding]) => ({ name, data: inputs[binding.type] }));
    const model = this.#app.programmingModel.getInvocationModel({
      invocationId: this.#random.uuid(),
      metadata,
      request: { inputData, triggerMetadata },
      state: undefined,
      log: (level: string, _category: string, message: string) =>
        this.#logger.log(asLevel(level), `${functionName}: ${message}`),
    });
    const { context: invocationContext, inputs: args } = await model.getArguments();
    const hookData = {};
    const before = { hookData, invocationContext, inputs: args, functionCallback: callback };
    await this.#runHooks('preInvocation', before);
    const after: PostInvocation = {
      hookData,
      invocationContext,
      inputs: before.inputs,
      result: null,
      error: null,
    };
    try {
      const { inputs: given, functionCallback } = before;
      after.result = await model.invokeFunction(invocationContext, given, functionCallback);
    } catch (error) {
      after.error = error;
    }
    await this.#runHooks('postInvocation', after);
    // As in the worker: a hook may take an error away or put one in.
    if (after.error !== null && after.error !== undefined) throw asError(after.error);
    return model.getResponse(invocationContext, after.result);
  }

  /** Hooks of the app itself: appStart and appTerminate. */
  async runAppHooks(name: 'appStart' | 'appTerminate'): Promise<void> {
    await this.#runHooks(name, { hookData: {} });
  }

  async #runHooks(name: string, context: object): Promise<void> {
    const hooks: readonly Hook[] = this.#app.hooks?.get(name) ?? [];
    for (const hook of hooks) await hook(context);
  }
}

/** A returned value as the JSON text that is kept in a durable history; nothing becomes `null`. */
export function jsonOf(data: RpcData | null | undefined): string {
  if (data === null || data === undefined) return 'null';
  if (typeof data.json === 'string') return data.json;
  if (typeof data.string === 'string') return JSON.stringify(data.string);
  if (typeof data.int === 'number') return String(data.int);
  if (typeof data.double === 'number') return String(data.double);
  return 'null';
}

/** Not `instanceof`: Jest runs tests in a realm that has an Error of its own. */
function asError(error: unknown): Error {
  return types.isNativeError(error) ? error : new Error(String(error));
}

function asLevel(level: string): LogLevel {
  switch (level) {
    case 'trace':
    case 'debug':
    case 'warning':
    case 'error':
    case 'critical':
      return level;
    default:
      return 'information';
  }
}
