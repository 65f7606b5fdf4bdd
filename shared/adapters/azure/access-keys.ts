import { createHash, timingSafeEqual } from 'node:crypto';
import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  type HttpClient,
  type Pipeline,
  RestError,
} from '@azure/core-rest-pipeline';
import { type AccessKeys, MASTER_KEY_NAME } from '../../ports/access-keys.ts';
import type { Clock } from '../../ports/messaging.ts';
import { callAzure } from './azure-error.ts';

const API_VERSION = '2023-12-01';
/** How long a key that was revoked may still have its role; the host itself refuses it at once. */
const KEPT_MS = 5 * 60_000;
/** A key that is not known may be a new one; asking for each would let anybody make us call Azure at will. */
const MIN_PAUSE_MS = 30_000;

/** What is kept of a key: enough to know it again, useless to whoever reads it. */
interface KnownKey {
  readonly name: string;
  readonly hash: Buffer;
}

interface Listed {
  readonly atMs: number;
  readonly keys: readonly KnownKey[];
}

export interface FunctionAppSettings {
  /** Resource id of the Function App: `/subscriptions/…/providers/Microsoft.Web/sites/…`. */
  readonly functionAppId: string;
  /** Of Azure Resource Manager; differs in sovereign clouds. */
  readonly endpoint: string;
}

/**
 * Reads the keys of the app's host, and of a single function when the host has no such key, from Resource Manager.
 * The app's identity needs `Microsoft.Web/sites/host/listkeys/action` and `…/functions/listkeys/action` on the app.
 */
export class ArmAccessKeys implements AccessKeys {
  readonly #settings: FunctionAppSettings;
  readonly #clock: Clock;
  readonly #pipeline: Pipeline;
  readonly #client: HttpClient = createDefaultHttpClient();
  /** By path below the app; several requests at once wait for the same answer. */
  readonly #lists = new Map<string, Promise<Listed>>();

  /** `pipeline` signs in to Resource Manager. */
  constructor(settings: FunctionAppSettings, pipeline: Pipeline, clock: Clock) {
    this.#settings = settings;
    this.#pipeline = pipeline;
    this.#clock = clock;
  }

  async nameOf(key: string, functionName: string): Promise<string | null> {
    const hash = digest(key);
    return (
      (await this.#find('host/default', hash, hostKeys)) ??
      (await this.#find(`functions/${functionName}`, hash, functionKeys))
    );
  }

  async #find(
    path: string,
    hash: Buffer,
    read: (body: unknown) => Readonly<Record<string, string>>,
  ): Promise<string | null> {
    const known = nameIn((await this.#list(path, KEPT_MS, read)).keys, hash);
    return known ?? nameIn((await this.#list(path, MIN_PAUSE_MS, read)).keys, hash);
  }

  /** At most so old. When Azure cannot be asked, a list that was had before goes on being used. */
  async #list(
    path: string,
    maxAgeMs: number,
    read: (body: unknown) => Readonly<Record<string, string>>,
  ): Promise<Listed> {
    const kept = this.#lists.get(path);
    const nowMs = this.#clock.now().getTime();
    const listed = await kept?.catch(() => undefined);
    if (listed !== undefined && nowMs - listed.atMs < maxAgeMs) return listed;
    const current = this.#lists.get(path);
    // Somebody else has asked since.
    if (current !== undefined && current !== kept) return current;
    const asked = this.#ask(path, read).catch((error: unknown) => {
      if (listed === undefined) throw error;
      return { ...listed, atMs: nowMs };
    });
    this.#lists.set(path, asked);
    return asked;
  }

  async #ask(
    path: string,
    read: (body: unknown) => Readonly<Record<string, string>>,
  ): Promise<Listed> {
    const { endpoint, functionAppId } = this.#settings;
    const atMs = this.#clock.now().getTime();
    const request = createPipelineRequest({
      method: 'POST',
      url: `${endpoint}${functionAppId}/${path}/listkeys?api-version=${API_VERSION}`,
      headers: createHttpHeaders({ accept: 'application/json' }),
    });
    const body = await callAzure('list the keys of the Function App', async () => {
      const response = await this.#pipeline.sendRequest(this.#client, request);
      const { status: statusCode, bodyAsText } = response;
      if (statusCode === 404) return {};
      // The body of an answer may hold keys: no part of it goes into an error.
      if (statusCode !== 200) throw new RestError(`HTTP ${statusCode}`, { statusCode });
      return JSON.parse(bodyAsText ?? '{}') as unknown;
    });
    const keys = Object.entries(read(body)).map(([name, key]) => ({ name, hash: digest(key) }));
    return { atMs, keys };
  }
}

/** System keys open web hooks of extensions, no functions. */
function hostKeys(body: unknown): Readonly<Record<string, string>> {
  const { masterKey, functionKeys: named } = objectOf(body);
  return { ...textsOf(named), ...textsOf({ [MASTER_KEY_NAME]: masterKey }) };
}

/** A plain dictionary; some versions put it into `properties`. The master key is the host's alone. */
function functionKeys(body: unknown): Readonly<Record<string, string>> {
  const answer = objectOf(body);
  const { [MASTER_KEY_NAME]: _lookalike, ...keys } = textsOf(answer['properties'] ?? answer);
  return keys;
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  const texts = Object.entries(objectOf(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  return Object.fromEntries(texts);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Looks at all of them, and takes as long for each: the time says nothing. */
function nameIn(keys: readonly KnownKey[], hash: Buffer): string | null {
  return keys.reduce<string | null>(
    (found, key) => (timingSafeEqual(key.hash, hash) ? (found ?? key.name) : found),
    null,
  );
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
