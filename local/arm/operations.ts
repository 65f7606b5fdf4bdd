import { randomUUID } from 'node:crypto';
import { ArmError } from './arm-error.ts';

export interface OperationStatus {
  readonly status: 'InProgress' | 'Succeeded' | 'Failed';
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly result: unknown;
}

/** Long-running operations: accepted at once, done a moment later, asked for by id. */
export class Operations {
  readonly #operations = new Map<string, OperationStatus>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #latencyMs: number;

  constructor(latencyMs: number) {
    this.#latencyMs = latencyMs;
  }

  /** `work` runs after the latency; what it returns is the operation's result. */
  begin(work: () => Promise<unknown>): string {
    const id = randomUUID();
    this.#operations.set(id, { status: 'InProgress', error: null, result: null });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#run(id, work);
    }, this.#latencyMs);
    this.#timers.add(timer);
    return id;
  }

  /** An operation that is not known any more was finished by an earlier run of the stand-in. */
  find(id: string): OperationStatus {
    return this.#operations.get(id) ?? { status: 'Succeeded', error: null, result: null };
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #run(id: string, work: () => Promise<unknown>): Promise<void> {
    try {
      const result = await work();
      this.#operations.set(id, { status: 'Succeeded', error: null, result });
    } catch (error) {
      const code = error instanceof ArmError ? error.code : 'InternalServerError';
      const message = error instanceof Error ? error.message : String(error);
      this.#operations.set(id, { status: 'Failed', error: { code, message }, result: null });
    }
  }
}
