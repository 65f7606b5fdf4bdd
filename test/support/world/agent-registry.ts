import type { AgentKind } from '../../../shared/contracts/agent-protocol.ts';
import type { AgentRecord } from '../../../shared/ports/stores.ts';
import { anAgent } from './fixtures.ts';
import { MemoryStore } from './memory-store.ts';
import type { Timers } from './timers.ts';

/**
 * The agents' table. Agents that are up were heard of just now, without a timer each 15 seconds, which
 * would be most of what a long test does; one that went away stays as it was last heard of.
 */
export class AgentRegistry extends MemoryStore<AgentRecord> {
  readonly #timers: Timers;
  readonly #silent = new Set<string>();

  constructor(timers: Timers) {
    super();
    this.#timers = timers;
  }

  async register(id: string, kind: AgentKind, name: string): Promise<void> {
    if (this.peek(id) !== null) return;
    await this.create(anAgent(id, kind, name, this.#timers.now().toISOString()));
  }

  setSilent(id: string, isSilent: boolean): void {
    const record = this.peek(id);
    if (record !== null && isSilent && !this.#silent.has(id)) this.put(record);
    if (isSilent) this.#silent.add(id);
    else this.#silent.delete(id);
  }

  protected override decode(json: string): AgentRecord {
    const record = super.decode(json);
    if (this.#silent.has(record.id)) return record;
    return { ...record, heartbeatAt: this.#timers.now().toISOString() };
  }
}
