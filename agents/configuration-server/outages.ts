import type { CommandName } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import type { Result } from '../../shared/errors/result.ts';
import type { Hypervisor } from '../../shared/ports/hypervisor.ts';
import { withBackoff } from '../runtime/backoff.ts';
import { ProgressMeter } from '../runtime/progress-meter.ts';
import type { CommandContext, CommandHandlers } from '../runtime/types.ts';
import { createConfigurationServerHandlers, type SiteParts } from './handlers.ts';

const LOOK_MS = 500;
/** The command ends with what held it up, before the control plane gives it up without a reason. */
const REPORT_MS = 30_000;

interface Pauses {
  readonly firstMs: number;
  readonly maxMs: number;
}
const PAUSES: Pauses = { firstMs: 1000, maxMs: 15_000 };

type AnyHandler = (input: unknown, context: CommandContext) => Promise<Result<never>>;

/**
 * The commands of the configuration server, each with a driver of its own that waits: an outage of the hypervisor holds
 * a command up until shortly before its deadline, and is shown in its progress, instead of failing it.
 */
export function createWaitingHandlers(parts: SiteParts, pauses = PAUSES): CommandHandlers {
  const names = Object.keys(createConfigurationServerHandlers(parts)) as CommandName[];
  const waiting = names.map((name) => {
    const handler: AnyHandler = async (input, context) => {
      const hypervisor = waitingDriver(parts.hypervisor, new Outages(parts, context, pauses));
      const handlers = createConfigurationServerHandlers({ ...parts, hypervisor });
      return (handlers[name] as AnyHandler)(input, context);
    };
    return [name, handler];
  });
  return Object.fromEntries(waiting) as Record<CommandName, AnyHandler>;
}

/** Every call of the port may be repeated, so that all are treated alike. */
function waitingDriver(driver: Hypervisor, outages: Outages): Hypervisor {
  return new Proxy(driver, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return async (...parameters: unknown[]): Promise<unknown> =>
        outages.outlast(async () => Reflect.apply(value, target, parameters) as unknown);
    },
  });
}

/** Outages as one command meets them. */
class Outages {
  readonly #hypervisor: Hypervisor;
  readonly #context: CommandContext;
  readonly #pauses: Pauses;
  #isShown = false;

  constructor({ hypervisor }: SiteParts, context: CommandContext, pauses: Pauses) {
    this.#hypervisor = hypervisor;
    this.#context = context;
    this.#pauses = pauses;
  }

  /** Repeats the call while it fails with what may pass by itself. */
  async outlast(call: () => Promise<unknown>): Promise<unknown> {
    const { signal, deadlineAtMs } = this.#context;
    return withBackoff(async () => this.#attempt(call), {
      ...this.#pauses,
      signal,
      isWorthRetrying: (error) => isPassing(error) && Date.now() < deadlineAtMs - REPORT_MS,
    });
  }

  async #attempt(call: () => Promise<unknown>): Promise<unknown> {
    // A call may itself wait for the end of something that goes on at the hypervisor meanwhile.
    const looking = setInterval(() => this.#show(this.#hypervisor.outage), LOOK_MS);
    try {
      const result = await call();
      this.#show(null);
      return result;
    } catch (error) {
      if (isPassing(error)) this.#show(error);
      throw error;
    } finally {
      clearInterval(looking);
    }
  }

  #show(error: FailbackError | null): void {
    if (error === null && !this.#isShown) return;
    if (error !== null && !this.#isShown) {
      this.#context.log.warn('the hypervisor holds the command up', { reason: error.message });
    }
    this.#isShown = error !== null;
    const progress = new ProgressMeter(() => 0).read(error === null ? 'going on' : 'waiting');
    this.#context.reportProgress({
      ...progress,
      ...(error === null ? {} : { health: error.toRecord() }),
    });
  }
}

function isPassing(error: unknown): error is FailbackError {
  return error instanceof FailbackError && error.isRetryable;
}
