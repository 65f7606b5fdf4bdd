import type { TableClient } from '@azure/data-tables';
import { RestError } from '@azure/core-rest-pipeline';
import { asStored } from '../../domain/stored-size.ts';
import { FailbackError } from '../../errors/failback-error.ts';
import type { AgeingStore, Page, PagedStore, PageRequest, Versioned } from '../../ports/stores.ts';
import { callAzure, findInAzure } from './azure-error.ts';

/** A string property holds 64 KiB of UTF-16: 32,768 characters. */
const CHUNK_CHARACTERS = 30_000;
/** It exists already; it has another ETag; it is gone, which with an ETag is the same. */
const CONFLICTS: readonly number[] = [409, 412, 404];
/** Entities a request to the service; it gives no more. */
const SERVICE_PAGE = 1000;
/** A filter that fits nothing must not read a table of any size in one request of ours. */
const MAX_SCANNED = 5000;
/** What Azure takes as a key: 1 KiB of UTF-16, without `/ \ # ?` and control characters. */
const MAX_KEY_CHARACTERS = 512;
const KEY = /^[^/\\#?\p{Cc}]+$/u;

interface Keys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** Records kept as JSON, cut into as many properties as they need, in one Azure table. */
export class JsonTable<T extends { readonly id: string }> implements PagedStore<T>, AgeingStore<T> {
  readonly #client: TableClient;
  readonly #keysOf: (id: string) => Keys;
  readonly #columnsOf: (value: T) => Readonly<Record<string, string>>;
  #isReady = false;

  /** `columnsOf` gives what the server can filter by, besides the keys. */
  constructor(
    client: TableClient,
    keysOf: (id: string) => Keys,
    columnsOf: (value: T) => Readonly<Record<string, string>> = () => ({}),
  ) {
    this.#client = client;
    this.#keysOf = keysOf;
    this.#columnsOf = columnsOf;
  }

  async get(id: string): Promise<Versioned<T> | null> {
    const { partitionKey, rowKey } = this.#keysOf(id);
    // Ids come from URLs too. Azure would refuse the request; a record of that name cannot exist.
    if (!isKey(partitionKey) || !isKey(rowKey)) return null;
    await this.#ready();
    const entity = await findInAzure(`read ${this.#client.tableName}`, () =>
      this.#client.getEntity(partitionKey, rowKey),
    );
    return entity === null ? null : { value: decode(entity) as T, etag: entity.etag };
  }

  async create(value: T): Promise<void> {
    await this.#write(() => this.#client.createEntity(this.#encode(value)));
  }

  async replace(value: T, etag: string): Promise<void> {
    await this.#write(() => this.#client.updateEntity(this.#encode(value), 'Replace', { etag }));
  }

  async delete(id: string, etag: string): Promise<void> {
    const { partitionKey, rowKey } = this.#keysOf(id);
    await this.#write(() => this.#client.deleteEntity(partitionKey, rowKey, { etag }));
  }

  async list(): Promise<readonly T[]> {
    return this.query({});
  }

  /**
   * The table is read page by page, and no further than needed. With `after` it is the partition of that id, which need
   * not exist; without, the table should have one partition only.
   */
  async listPage({ limit, after, where }: PageRequest<T>): Promise<Page<T>> {
    await this.#ready();
    const options = after === undefined ? {} : { queryOptions: { filter: this.#behind(after) } };
    const maxPageSize = where === undefined ? Math.min(limit + 1, SERVICE_PAGE) : SERVICE_PAGE;
    const pages = this.#client.listEntities(options).byPage({ maxPageSize });
    return callAzure(`list ${this.#client.tableName}`, async () => {
      const values: T[] = [];
      let last: string | null = null;
      let scanned = 0;
      for await (const page of pages) {
        for (const entity of page) {
          const value = decode(entity) as T;
          const isWanted = where?.(value) ?? true;
          if (isWanted && values.length === limit) return { values, next: last };
          if (isWanted) values.push(value);
          last = value.id;
        }
        scanned += page.length;
        if (scanned >= MAX_SCANNED) return { values, next: last };
      }
      return { values, next: null };
    });
  }

  async listBehind(id: string, limit: number): Promise<readonly Versioned<T>[]> {
    return this.first(this.#behind(id), limit);
  }

  /** The first records that the service finds, in the order of their keys, with what deletes them. */
  protected async first(filter: string, limit: number): Promise<readonly Versioned<T>[]> {
    await this.#ready();
    const options = { queryOptions: { filter } };
    const maxPageSize = Math.min(limit, SERVICE_PAGE);
    const pages = this.#client.listEntities(options).byPage({ maxPageSize });
    return callAzure(`list ${this.#client.tableName}`, async () => {
      const found: Versioned<T>[] = [];
      for await (const page of pages) {
        found.push(...page.map((each) => ({ value: decode(each) as T, etag: each.etag })));
        if (found.length >= limit) break;
      }
      return found.slice(0, limit);
    });
  }

  #behind(id: string): string {
    const { partitionKey, rowKey } = this.#keysOf(id);
    return `PartitionKey eq ${quoted(partitionKey)} and RowKey gt ${quoted(rowKey)}`;
  }

  /** Records whose columns (PartitionKey and those of `columnsOf`) all equal the given values. */
  protected async query(equals: Readonly<Record<string, string>>): Promise<readonly T[]> {
    await this.#ready();
    const filter = Object.entries(equals)
      .map(([column, value]) => `${column} eq ${quoted(value)}`)
      .join(' and ');
    const options = filter === '' ? {} : { queryOptions: { filter } };
    return callAzure(`list ${this.#client.tableName}`, async () => {
      const found: T[] = [];
      for await (const entity of this.#client.listEntities(options)) {
        found.push(decode(entity) as T);
      }
      return found;
    });
  }

  async #write(write: () => Promise<unknown>): Promise<void> {
    await this.#ready();
    await callAzure(`write ${this.#client.tableName}`, async () => {
      try {
        await write();
      } catch (error) {
        const isConflict = error instanceof RestError && CONFLICTS.includes(error.statusCode ?? 0);
        throw isConflict ? new FailbackError('FB-REQ-008', {}, { cause: error }) : error;
      }
    });
  }

  async #ready(): Promise<void> {
    if (this.#isReady) return;
    // createTable answers "exists already" as success.
    await callAzure(`create ${this.#client.tableName}`, () => this.#client.createTable());
    this.#isReady = true;
  }

  #encode(value: T): Keys & Record<string, string> {
    const text = asStored(value);
    const chunks: Record<string, string> = {};
    for (let index = 0; index * CHUNK_CHARACTERS < text.length; index += 1) {
      const start = index * CHUNK_CHARACTERS;
      chunks[`json${index}`] = text.slice(start, start + CHUNK_CHARACTERS);
    }
    const keys = this.#keysOf(value.id);
    if (!isKey(keys.partitionKey) || !isKey(keys.rowKey)) {
      const problems =
        'id: / \\ # ? and control characters are not allowed; at most 512 characters';
      throw new FailbackError('FB-REQ-001', { problems });
    }
    return { ...this.#columnsOf(value), ...chunks, ...keys };
  }
}

export function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function isKey(key: string): boolean {
  return key.length <= MAX_KEY_CHARACTERS && KEY.test(key);
}

/** Only this class writes the table, so the shape is the type's. */
function decode(entity: Record<string, unknown>): unknown {
  let text = '';
  for (let index = 0; ; index += 1) {
    const chunk = entity[`json${index}`];
    if (typeof chunk !== 'string') break;
    text += chunk;
  }
  return JSON.parse(text);
}
