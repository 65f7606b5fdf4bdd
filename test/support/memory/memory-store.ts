import { jobIdOf } from '../../../shared/contracts/orchestrations.ts';
import { keysOfPoint, orderOfJob } from '../../../shared/domain/newest-first.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  AgeingCommandStore,
  AgeingPointStore,
  CommandRecord,
  IdempotencyRecord,
  IdempotencyStore,
  Page,
  PagedStore,
  PageRequest,
  RecoveryPointRecord,
  Stores,
  Versioned,
} from '../../../shared/ports/stores.ts';
import { inOrder, pageOf } from './page-of.ts';

interface Row {
  readonly text: string;
  readonly version: number;
}

/** Records kept as JSON text, so that only what survives storage comes back; ETags as in a table. */
export class MemoryStore<T extends { readonly id: string }> implements PagedStore<T> {
  readonly #rows = new Map<string, Row>();
  readonly #orderOf: (id: string) => string;
  /** Runs before every conditional write: the place where somebody else is faster. */
  beforeReplace: (id: string) => Promise<void> | void = () => undefined;

  /** `orderOf`: what the table sorts by. */
  constructor(orderOf: (id: string) => string = (id) => id) {
    this.#orderOf = orderOf;
  }

  async get(id: string): Promise<Versioned<T> | null> {
    const row = this.#rows.get(id);
    return row === undefined ? null : { value: parse<T>(row.text), etag: String(row.version) };
  }

  async create(value: T): Promise<void> {
    if (this.#rows.has(value.id)) throw new FailbackError('FB-REQ-008');
    this.#rows.set(value.id, { text: JSON.stringify(value), version: 1 });
  }

  async replace(value: T, etag: string): Promise<void> {
    await this.beforeReplace(value.id);
    const row = this.#rows.get(value.id);
    if (row === undefined || String(row.version) !== etag) throw new FailbackError('FB-REQ-008');
    this.#rows.set(value.id, { text: JSON.stringify(value), version: row.version + 1 });
  }

  async delete(id: string, etag: string): Promise<void> {
    await this.beforeReplace(id);
    if (String(this.#rows.get(id)?.version) !== etag) throw new FailbackError('FB-REQ-008');
    this.#rows.delete(id);
  }

  async list(): Promise<readonly T[]> {
    return this.all();
  }

  async listPage(request: PageRequest<T>): Promise<Page<T>> {
    return pageOf(this.all(), request, this.#orderOf);
  }

  async listBehind(id: string, limit: number): Promise<readonly Versioned<T>[]> {
    return this.versioned((value) => value.id > id, limit);
  }

  protected versioned(where: (value: T) => boolean, limit: number): readonly Versioned<T>[] {
    return this.all()
      .filter(where)
      .slice(0, limit)
      .map((value) => ({ value, etag: String(this.#rows.get(value.id)?.version) }));
  }

  /** Sets a record as it is, whoever had it before: the arrangement of a test. */
  put(value: T): void {
    const version = (this.#rows.get(value.id)?.version ?? 0) + 1;
    this.#rows.set(value.id, { text: JSON.stringify(value), version });
  }

  /** The record, which the test knows to be there. */
  must(id: string): T {
    const row = this.#rows.get(id);
    if (row === undefined) throw new Error(`the test expected a record ${id}`);
    return parse<T>(row.text);
  }

  all(): readonly T[] {
    return inOrder(this.#rows.keys(), this.#orderOf).map((id) => this.must(id));
  }
}

export class MemoryCommandStore extends MemoryStore<CommandRecord> implements AgeingCommandStore {
  async listOpen(jobId: string): Promise<readonly CommandRecord[]> {
    return this.all().filter(({ id, result }) => result === null && id.startsWith(`${jobId}.`));
  }

  async firstBehind(jobId: string): Promise<CommandRecord | null> {
    return this.all().find(({ id }) => jobIdOf(id) > jobId) ?? null;
  }

  async listOfJob(jobId: string, limit: number): Promise<readonly Versioned<CommandRecord>[]> {
    return this.versioned(({ id }) => jobIdOf(id) === jobId, limit);
  }
}

class MemoryPointStore extends MemoryStore<RecoveryPointRecord> implements AgeingPointStore {
  async firstBehind(itemId: string): Promise<RecoveryPointRecord | null> {
    return this.all().find(({ id }) => keysOfPoint(id).itemId > itemId) ?? null;
  }

  override async listBehind(
    id: string,
    limit: number,
  ): Promise<readonly Versioned<RecoveryPointRecord>[]> {
    const { itemId, rowKey } = keysOfPoint(id);
    return this.versioned((value) => {
      const keys = keysOfPoint(value.id);
      return keys.itemId === itemId && keys.rowKey > rowKey;
    }, limit);
  }
}

class MemoryIdempotencyStore extends MemoryStore<IdempotencyRecord> implements IdempotencyStore {
  async listExpired(
    before: string,
    limit: number,
  ): Promise<readonly Versioned<IdempotencyRecord>[]> {
    return this.versioned(({ expiresAt }) => expiresAt < before, limit);
  }
}

type Elements = { readonly [K in keyof Stores]: Awaited<ReturnType<Stores[K]['list']>>[number] };

export type MemoryStores = {
  readonly [K in keyof Stores]: K extends 'commands'
    ? MemoryCommandStore
    : K extends 'idempotency'
      ? MemoryIdempotencyStore
      : K extends 'recoveryPoints'
        ? MemoryPointStore
        : MemoryStore<Elements[K]>;
};

export function createMemoryStores(): MemoryStores {
  return {
    items: new MemoryStore(),
    jobs: new MemoryStore(orderOfJob),
    agents: new MemoryStore(),
    commands: new MemoryCommandStore(),
    // A table sorts by partition first: `web` comes before `web-01`.
    recoveryPoints: new MemoryPointStore((id) => id.replace('.', ' ')),
    preflights: new MemoryStore(),
    idempotency: new MemoryIdempotencyStore(),
    events: new MemoryStore(),
    plans: new MemoryStore(),
    planRuns: new MemoryStore(),
    replicationGroups: new MemoryStore(),
  };
}

/** Written by this class only, from a T. */
function parse<T>(text: string): T {
  return JSON.parse(text) as T;
}
