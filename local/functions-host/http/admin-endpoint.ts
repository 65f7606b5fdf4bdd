import { z } from 'zod';
import type { Invoker } from '../invoke.ts';
import type { HostLogger } from '../support/logger.ts';
import type { TimerTriggers } from '../timers.ts';
import { type HttpAnswer, type HttpRequestData, jsonAnswer } from './server.ts';

const bodySchema = z.looseObject({ input: z.unknown().optional() });

/** Starts functions that no request triggers, as `POST /admin/functions/{name}` of the real host does. */
export class AdminEndpoint {
  readonly #options: {
    readonly invoker: Invoker;
    readonly timers: TimerTriggers;
    readonly logger: HostLogger;
    readonly clientBinding: () => string;
  };
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: {
    readonly invoker: Invoker;
    readonly timers: TimerTriggers;
    readonly logger: HostLogger;
    readonly clientBinding: () => string;
  }) {
    this.#options = options;
  }

  /** Resolves when nothing that was started here runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Answers 202 as soon as the function was started: how it ends is in the log. */
  answer(request: HttpRequestData, functionName: string): HttpAnswer {
    const { invoker, timers } = this.#options;
    const registered = invoker.find(functionName);
    if (registered === undefined) return { status: 404 };
    const input = inputOf(request);
    if (input === undefined) return refusal('The body must be a JSON object: {"input": …}.');
    if (timers.has(functionName)) return this.#start(functionName, timers.run(functionName));
    const types = Object.values(registered.metadata.bindings).map(({ type }) => type);
    const trigger = types.find((type) => type.endsWith('Trigger')) ?? '';
    switch (trigger) {
      case 'httpTrigger':
        return refusal(`${functionName} is started by requests to its own route.`);
      case 'orchestrationTrigger':
      case 'entityTrigger':
        return refusal(`${functionName} is started through the durable management API.`);
      default: {
        const durableClient = { string: this.#options.clientBinding() };
        const inputs = { [trigger]: { string: input }, durableClient };
        return this.#start(functionName, invoker.invoke({ functionName, inputs }));
      }
    }
  }

  #start(functionName: string, run: Promise<unknown>): HttpAnswer {
    const { logger } = this.#options;
    const running = run
      .catch((error: unknown) => logger.log('error', `${functionName}: ${String(error)}`))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return { status: 202 };
  }
}

/** The input as text; `undefined` when the body is something else than an object. */
function inputOf({ body }: HttpRequestData): string | undefined {
  if (body.length === 0) return '';
  try {
    const { input = '' } = bodySchema.parse(JSON.parse(body.toString('utf8')));
    return typeof input === 'string' ? input : JSON.stringify(input);
  } catch {
    return undefined;
  }
}

function refusal(message: string): HttpAnswer {
  return jsonAnswer(400, { message });
}
