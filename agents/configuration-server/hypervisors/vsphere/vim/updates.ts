import { z } from 'zod';
import { isFault } from './faults.ts';
import type { VimSession } from './session.ts';
import { understand } from './understand.ts';
import {
  booleanSchema,
  listSchema,
  moRefSchema,
  type MoRef,
  type VimData,
  type VimObject,
} from './values.ts';

const MARGIN_MS = 60_000;

const updateSetSchema = z.object({
  version: z.string(),
  truncated: booleanSchema.default(false),
  filterSet: listSchema(
    z.object({
      objectSet: listSchema(
        z.object({
          kind: z.enum(['enter', 'modify', 'leave']),
          obj: moRefSchema,
          changeSet: listSchema(
            z.object({
              name: z.string(),
              op: z.string(),
              val: z.custom<VimData>().optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

export interface ObjectChange {
  readonly kind: 'enter' | 'modify' | 'leave';
  readonly ref: MoRef;
  /** Whole properties by path; `undefined` = it has none any more. */
  readonly properties: ReadonlyMap<string, VimData | undefined>;
}

export interface Changes {
  /** True when these are all objects there are, and not what changed since the last call. */
  readonly isFresh: boolean;
  readonly changes: readonly ObjectChange[];
}

interface WatchOptions {
  readonly session: VimSession;
  /** Made anew whenever the server has lost it, with what belongs to it (as a view). */
  readonly select: () => Promise<VimObject<'PropertyFilterSpec'>>;
}

interface Place {
  readonly collector: MoRef;
  version: string;
}

/**
 * Follows properties by the server's own update mechanism. It has a property collector of its own, so that several
 * watches wait at the same time. After a lost session it starts again, and says so with `isFresh`.
 */
export class PropertyWatch {
  readonly #options: WatchOptions;
  #place: Place | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** All changes up to now; waits for the first one up to `maxWaitSeconds`. No changes = the time is over. */
  async next({
    maxWaitSeconds,
    signal,
  }: {
    maxWaitSeconds: number;
    signal?: AbortSignal | undefined;
  }): Promise<Changes> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#read(maxWaitSeconds, signal);
      } catch (error) {
        const wasOpen = this.#place !== null;
        // The changes since the last version are lost with the answer; only a fresh start is sure to be whole.
        if (isCollectorGone(error)) this.#place = null;
        else await this.close();
        if (!wasOpen || attempt > 1 || !isCollectorGone(error)) throw error;
      }
    }
  }

  async close(): Promise<void> {
    const place = this.#place;
    this.#place = null;
    if (place === null) return;
    await this.#options.session
      .call('DestroyPropertyCollector', place.collector, {}, { timeoutMs: 5000 })
      .catch(() => undefined);
  }

  async #read(maxWaitSeconds: number, signal: AbortSignal | undefined): Promise<Changes> {
    const place = (this.#place ??= await this.#open());
    const { address } = this.#options.session;
    const isFresh = place.version === '';
    const changes: ObjectChange[] = [];
    let wait = maxWaitSeconds;
    for (;;) {
      const answer = await this.#options.session.call(
        'WaitForUpdatesEx',
        place.collector,
        { version: place.version, options: { _typeName: 'WaitOptions', maxWaitSeconds: wait } },
        { signal, timeoutMs: wait * 1000 + MARGIN_MS },
      );
      if (answer === undefined || answer === '') return { isFresh, changes };
      const set = understand(updateSetSchema, answer, { address, method: 'WaitForUpdatesEx' });
      place.version = set.version;
      for (const { objectSet } of set.filterSet) {
        for (const { kind, obj, changeSet } of objectSet) {
          const properties = new Map(
            changeSet.map(({ name, op, val }) => [name, isRemoval(op) ? undefined : val]),
          );
          changes.push({ kind, ref: obj, properties });
        }
      }
      if (!set.truncated) return { isFresh, changes };
      wait = 0;
    }
  }

  async #open(): Promise<Place> {
    const { session, select } = this.#options;
    const { address } = session;
    const { propertyCollector } = await session.content();
    const spec = await select();
    const answer = await session.call('CreatePropertyCollector', propertyCollector, {});
    const collector = understand(moRefSchema, answer, {
      address,
      method: 'CreatePropertyCollector',
    });
    await session.call('CreateFilter', collector, { spec, partialUpdates: false });
    return { collector, version: '' };
  }
}

const isRemoval = (op: string): boolean => op === 'remove' || op === 'indirectRemove';

function isCollectorGone(error: unknown): boolean {
  return isFault(error, 'ManagedObjectNotFound', 'InvalidCollectorVersion', 'NotAuthenticated');
}
