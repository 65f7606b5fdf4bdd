import type {
  ProcessServerDeployments,
  ProcessServerRequest,
} from '../../../shared/ports/azure.ts';
import type { Timers } from './timers.ts';

interface ProcessServerParts {
  readonly timers: Timers;
  readonly onRegistered: (name: string) => void;
  readonly onRemoved: (name: string) => void;
}

/** Process servers that were deployed: each registers some time after it was asked for. */
export class ProcessServers implements ProcessServerDeployments {
  readonly #parts: ProcessServerParts;
  readonly #alive = new Set<string>();
  deployments = 0;
  /** `null`: it never does. */
  registersAfterMs: number | null = 10_000;

  constructor(parts: ProcessServerParts) {
    this.#parts = parts;
  }

  get names(): readonly string[] {
    return [...this.#alive];
  }

  async deploy({ name }: ProcessServerRequest): Promise<void> {
    if (this.#alive.has(name)) return;
    this.#alive.add(name);
    this.deployments += 1;
    if (this.registersAfterMs === null) return;
    this.#parts.timers.after(this.registersAfterMs, () => {
      if (this.#alive.has(name)) this.#parts.onRegistered(name);
    });
  }

  async remove(_resourceGroup: string, name: string): Promise<void> {
    if (this.#alive.delete(name)) this.#parts.onRemoved(name);
  }
}
