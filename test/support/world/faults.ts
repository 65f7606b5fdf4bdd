import { FailbackError } from '../../../shared/errors/failback-error.ts';

interface Fault {
  /** How many of the next calls fail. */
  times: number;
  readonly error: Error;
  /** The call does its work and then fails, as when an answer gets lost. */
  readonly isAfter: boolean;
}

type AnyMethod = (...parameters: unknown[]) => Promise<unknown>;

/** Makes chosen calls to the ports fail and counts all of them. Calls are named `vms.powerState`. */
export class Faults {
  readonly #planned = new Map<string, Fault>();
  readonly #counts = new Map<string, number>();
  #total = 0;
  #interlude: { readonly after: number; readonly act: () => Promise<void> } | null = null;

  fail(call: string, times: number, error: Error = busy()): void {
    this.#planned.set(call, { times, error, isAfter: false });
  }

  failAfter(call: string, times: number, error: Error = busy()): void {
    this.#planned.set(call, { times, error, isAfter: true });
  }

  heal(call: string): void {
    this.#planned.delete(call);
  }

  /** Runs something in the middle of the product's work: right after that many more calls. */
  afterCalls(calls: number, act: () => Promise<void>): void {
    this.#interlude = { after: this.#total + calls, act };
  }

  /** Calls of any name so far. */
  get total(): number {
    return this.#total;
  }

  count(call: string): number {
    return this.#counts.get(call) ?? 0;
  }

  /** The same port with faults in front of its asynchronous methods. */
  wrap<T extends object>(portName: string, port: T): T {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        const method = member as AnyMethod;
        const call = `${portName}.${String(property)}`;
        return async (...parameters: unknown[]) =>
          this.#run(call, () => method.apply(target, parameters));
      },
    });
  }

  /** Each port as `wrap` does it, under its own name. */
  wrapAll<T extends Readonly<Record<string, object>>>(ports: T): T {
    const wrapped = Object.entries(ports).map(([name, port]) => [name, this.wrap(name, port)]);
    return Object.fromEntries(wrapped) as T;
  }

  async #run(call: string, work: () => Promise<unknown>): Promise<unknown> {
    this.#counts.set(call, this.count(call) + 1);
    this.#total += 1;
    const interlude = this.#interlude?.after === this.#total ? this.#interlude : null;
    try {
      return await this.#faulty(call, work);
    } finally {
      await interlude?.act();
    }
  }

  async #faulty(call: string, work: () => Promise<unknown>): Promise<unknown> {
    const fault = this.#planned.get(call);
    if (fault === undefined || fault.times === 0) return work();
    fault.times -= 1;
    if (fault.isAfter) await work();
    throw fault.error;
  }
}

/** What Azure answers when it is throttling. */
export function busy(): FailbackError {
  const values = { operation: 'the call', code: 'TooManyRequests', detail: 'injected' };
  return new FailbackError('FB-AZ-002', values);
}

/** What Azure answers when it will not do it, however often it is asked. */
export function refused(): FailbackError {
  const values = { operation: 'the call', code: 'AuthorizationFailed', detail: 'injected' };
  return new FailbackError('FB-AZ-001', values);
}

/** What Azure answers when it does not know what is asked for. */
export function notFound(operation: string, detail: string): FailbackError {
  return new FailbackError('FB-AZ-001', {
    operation,
    code: 'ResourceNotFound',
    detail,
    status: 404,
  });
}
