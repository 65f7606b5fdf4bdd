import type { TableClient } from '@azure/data-tables';
import { RestError } from '@azure/core-rest-pipeline';
import { FailbackError } from '../../errors/failback-error.ts';
import type { RecordStore, Versioned } from '../../ports/stores.ts';
import { callAzure, findInAzure } from './azure-error.ts';

/** A string property holds 64 KiB of UTF-16: 32,768 characters. */
const CHUNK_CHARACTERS = 30_000;

interface Keys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** Records kept as JSON, cut into as many properties as they need, in one Azure table. */
export class JsonTable<T extends { readonly id: string }> implements RecordStore<T> {
  readonly #client: TableClient;
  readonly #keysOf: (id: string) => Keys;
  #isReady = false;

  constructor(client: TableClient, keysOf: (id: string) => Keys) {
    this.#client = client;
    this.#keysOf = keysOf;
  }

  async get(id: string): Promise<Versioned<T> | null> {
    const { partitionKey, rowKey } = this.#keysOf(id);
    await this.#ready();
    const entity = await findInAzure(`read ${this.#client.tableName}`, () =>
      this.#client.getEntity(partitionKey, rowKey),
    );
    return entity === null ? null : { value: decode<T>(entity), etag: entity.etag };
  }

  async create(value: T): Promise<void> {
    await this.#write(() => this.#client.createEntity(this.#encode(value)));
  }

  async replace(value: T, etag: string): Promise<void> {
    await this.#write(() => this.#client.updateEntity(this.#encode(value), 'Replace', { etag }));
  }

  async list(): Promise<readonly T[]> {
    return this.query({});
  }

  /** `partitionKey` narrows to one partition; without it the whole table is read. */
  protected async query({ partitionKey }: { partitionKey?: string }): Promise<readonly T[]> {
    await this.#ready();
    const filter =
      partitionKey === undefined
        ? {}
        : { queryOptions: { filter: `PartitionKey eq '${partitionKey.replaceAll("'", "''")}'` } };
    return callAzure(`list ${this.#client.tableName}`, async () => {
      const found: T[] = [];
      for await (const entity of this.#client.listEntities(filter)) {
        found.push(decode<T>(entity));
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
        const isConflict =
          error instanceof RestError && (error.statusCode === 409 || error.statusCode === 412);
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
    const text = JSON.stringify(value);
    const chunks: Record<string, string> = {};
    for (let index = 0; index * CHUNK_CHARACTERS < text.length; index += 1) {
      const start = index * CHUNK_CHARACTERS;
      chunks[`json${index}`] = text.slice(start, start + CHUNK_CHARACTERS);
    }
    return { ...this.#keysOf(value.id), ...chunks };
  }
}

function decode<T>(entity: Record<string, unknown>): T {
  let text = '';
  for (let index = 0; ; index += 1) {
    const chunk = entity[`json${index}`];
    if (typeof chunk !== 'string') break;
    text += chunk;
  }
  // Only this class writes the table; its shape is the type's.
  return JSON.parse(text) as T;
}
