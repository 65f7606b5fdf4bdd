import type {
  FunctionApp,
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
    const { context, inputs: args } = await model.getArguments();
    const result = await model.invokeFunction(context, args, callback);
    return model.getResponse(context, result);
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
