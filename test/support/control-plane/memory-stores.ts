import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  CommandRecord,
  CommandStore,
  Page,
  PagedStore,
  PageRequest,
  Stores,
  Versioned,
} from '../../../shared/ports/stores.ts';
import { pageOf } from '../memory/page-of.ts';

/** Records in memory that behave as the tables do: copies in and out, a new ETag with each write. */
class MemoryStore<T extends { readonly id: string }> implements PagedStore<T> {
  readonly #records = new Map<string, Versioned<T>>();
  #writes = 0;

  async get(id: string): Promise<Versioned<T> | null> {
    return structuredClone(this.#records.get(id) ?? null);
  }

  async create(value: T): Promise<void> {
    if (this.#records.has(value.id)) throw new FailbackError('FB-REQ-008');
    this.#put(value);
  }

  async replace(value: T, etag: string): Promise<void> {
    if (this.#records.get(value.id)?.etag !== etag) throw new FailbackError('FB-REQ-008');
    this.#put(value);
  }

  async delete(id: string, etag: string): Promise<void> {
    if (this.#records.get(id)?.etag !== etag) throw new FailbackError('FB-REQ-008');
    this.#records.delete(id);
  }

  async listPage(request: PageRequest<T>): Promise<Page<T>> {
    return pageOf(await this.list(), request);
  }

  async list(): Promise<readonly T[]> {
    const values = [...this.#records.values()].map(({ value }) => structuredClone(value));
    return values.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #put(value: T): void {
    this.#writes += 1;
    this.#records.set(value.id, { value: structuredClone(value), etag: String(this.#writes) });
  }
}

class MemoryCommands extends MemoryStore<CommandRecord> implements CommandStore {
  async listOpen(jobId: string): Promise<readonly CommandRecord[]> {
    const all = await this.list();
    return all.filter(({ id, result }) => id.startsWith(`${jobId}.`) && result === null);
  }
}

export function createMemoryStores(): Stores {
  return {
    items: new MemoryStore(),
    jobs: new MemoryStore(),
    agents: new MemoryStore(),
    commands: new MemoryCommands(),
    recoveryPoints: new MemoryStore(),
    preflights: new MemoryStore(),
    idempotency: new MemoryStore(),
    events: new MemoryStore(),
    plans: new MemoryStore(),
    planRuns: new MemoryStore(),
    replicationGroups: new MemoryStore(),
  };
}
