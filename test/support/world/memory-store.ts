import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  CommandRecord,
  CommandStore,
  Page,
  PagedStore,
  PageRequest,
} from '../../../shared/ports/stores.ts';
import { pageOf } from '../memory/page-of.ts';

type OnWrite<T> = (value: T, previous: T | null) => void;

/** A table in memory: rows are JSON, every write has an ETag of its own, a stale ETag is refused. */
export class MemoryStore<T extends { readonly id: string }> implements PagedStore<T> {
  readonly #rows = new Map<string, { readonly json: string; readonly etag: string }>();
  readonly #onWrite: OnWrite<T>;
  #writes = 0;

  constructor(onWrite: OnWrite<T> = () => undefined) {
    this.#onWrite = onWrite;
  }

  async get(id: string): Promise<{ value: T; etag: string } | null> {
    const row = this.#rows.get(id);
    return row === undefined ? null : { value: this.decode(row.json), etag: row.etag };
  }

  async create(value: T): Promise<void> {
    if (this.#rows.has(value.id)) throw new FailbackError('FB-REQ-008');
    this.put(value);
  }

  async replace(value: T, etag: string): Promise<void> {
    if (this.#rows.get(value.id)?.etag !== etag) throw new FailbackError('FB-REQ-008');
    this.put(value);
  }

  async delete(id: string, etag: string): Promise<void> {
    if (this.#rows.get(id)?.etag !== etag) throw new FailbackError('FB-REQ-008');
    this.#rows.delete(id);
  }

  async list(): Promise<readonly T[]> {
    return this.all();
  }

  async listPage(request: PageRequest<T>): Promise<Page<T>> {
    return pageOf(this.all(), request);
  }

  /** For tests: without waiting. */
  peek(id: string): T | null {
    const row = this.#rows.get(id);
    return row === undefined ? null : this.decode(row.json);
  }

  all(): readonly T[] {
    const ids = [...this.#rows.keys()].toSorted();
    return ids.flatMap((id) => this.peek(id) ?? []);
  }

  protected decode(json: string): T {
    // Only this class writes the rows, so the shape is the type's.
    return JSON.parse(json) as T;
  }

  protected put(value: T): void {
    const previous = this.peek(value.id);
    this.#writes += 1;
    this.#rows.set(value.id, { json: JSON.stringify(value), etag: `"${this.#writes}"` });
    this.#onWrite(value, previous);
  }
}

export class MemoryCommands extends MemoryStore<CommandRecord> implements CommandStore {
  async listOpen(jobId: string): Promise<readonly CommandRecord[]> {
    return this.all().filter(({ id, result }) => id.startsWith(`${jobId}.`) && result === null);
  }
}
