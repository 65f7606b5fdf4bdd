import type { InventoryChange, InventoryTables, NewObject } from '../../../inventory-tables.ts';
import { selectView } from '../vim/properties.ts';
import type { VimSession } from '../vim/session.ts';
import { understand } from '../vim/understand.ts';
import { type Changes, PropertyWatch } from '../vim/updates.ts';
import { moRefSchema, type MoRef, type VimData, type VimObject } from '../vim/values.ts';
import { type AccountFact, readAccount } from './account.ts';
import { PATHS, readChanges, readRecord, TYPES_READ } from './kinds.ts';
import { placesForRdm, type PlacesConfig, privilegePlaces } from './privilege-places.ts';
import { type LicenceFact, readLicences } from './licences.ts';

interface DiscoveryOptions {
  readonly session: VimSession;
  readonly tables: InventoryTables;
  /** Says what the account works with, and so where it needs which privileges. */
  readonly config: PlacesConfig;
  readonly now?: () => Date;
  /** Ends a question that is under way. */
  readonly signal?: AbortSignal;
}

/** Licences and privileges hardly ever change; after that time they are read again. */
const FACTS_AGE_MS = 5 * 60_000;

export interface Refresh {
  /** When all that is in the tables was true. */
  readonly observedAt: string;
  /** False when only what changed since the last refresh was read. */
  readonly isFresh: boolean;
  readonly changeCount: number;
}

interface Facts {
  readonly licences: LicenceFact;
  readonly account: AccountFact;
}

/** Reads the inventory of a vSphere server into the site's database: all of it once, then what changed. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #watch: PropertyWatch;
  #view: MoRef | null = null;
  #running: Promise<Refresh> | null = null;
  #readingFacts: Promise<Facts> | null = null;
  /** `null` = not since the server was first asked, or since it was asked anew. */
  #factsReadAtMs: number | null = null;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#watch = new PropertyWatch({
      session: options.session,
      select: async () => this.#select(),
    });
  }

  /** Many at a time are one. */
  async refresh(): Promise<Refresh> {
    this.#running ??= this.#refresh().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The inventory, and the facts where they are too old. A look whose facts fail leaves them to the next one. */
  async look(maxFactsAgeMs = FACTS_AGE_MS): Promise<Refresh> {
    const refresh = await this.refresh();
    if (refresh.isFresh) this.#factsReadAtMs = null;
    const readAtMs = this.#factsReadAtMs;
    const isOld = readAtMs === null || this.#nowMs() - readAtMs >= maxFactsAgeMs;
    if (isOld) await this.refreshFacts();
    return refresh;
  }

  /** All of it, as it is now: nothing counts that the server was asked before this call. */
  async lookNow(): Promise<void> {
    await Promise.allSettled([this.#running, this.#readingFacts]);
    await this.look(0);
  }

  /** Licences and privileges, these on what was read before. Many at a time are one. */
  async refreshFacts(): Promise<Facts> {
    this.#readingFacts ??= this.#refreshFacts().finally(() => {
      this.#readingFacts = null;
    });
    return this.#readingFacts;
  }

  async close(): Promise<void> {
    await this.#watch.close();
    const view = this.#view;
    this.#view = null;
    if (view === null) return;
    await this.#options.session
      .call('DestroyView', view, {}, { timeoutMs: 5000 })
      .catch(() => undefined);
  }

  async #refreshFacts(): Promise<Facts> {
    const { session, tables, config } = this.#options;
    const observedAt = this.#now();
    const { about, rootFolder } = await session.content();
    const licences = await readLicences(session);
    const places = privilegePlaces(tables, config, rootFolder);
    const account = await readAccount(session, places, placesForRdm(tables, config));
    tables.putFact('server', about, observedAt);
    tables.putFact('licences', licences, observedAt);
    tables.putFact('account', account, observedAt);
    this.#factsReadAtMs = Date.parse(observedAt);
    return { licences, account };
  }

  async #refresh(): Promise<Refresh> {
    // Before the question: what is in the answer was true then or later.
    const observedAt = this.#now();
    const { isFresh, changes } = await this.#watch.next({
      maxWaitSeconds: 0,
      signal: this.#options.signal,
    });
    const { tables } = this.#options;
    if (isFresh) tables.replaceAll(wholeObjects(changes), observedAt);
    else tables.apply(changesOf(changes), observedAt);
    return { observedAt, isFresh, changeCount: changes.length };
  }

  async #select(): Promise<VimObject<'PropertyFilterSpec'>> {
    const { session } = this.#options;
    const { rootFolder, viewManager } = await session.content();
    const type = Object.keys(TYPES_READ);
    const parameters = { container: rootFolder, type, recursive: true };
    const answer = await session.call('CreateContainerView', viewManager, parameters);
    this.#view = understand(moRefSchema, answer, {
      address: session.address,
      method: 'CreateContainerView',
    });
    return selectView(this.#view, PATHS);
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }

  #nowMs(): number {
    return (this.#options.now?.() ?? new Date()).getTime();
  }
}

function wholeObjects(changes: Changes['changes']): readonly NewObject[] {
  const objects = new Map<string, { ref: MoRef; all: Map<string, VimData | undefined> }>();
  for (const { kind, ref, properties: changed } of changes) {
    const key = `${ref.type}:${ref.value}`;
    if (kind === 'leave') objects.delete(key);
    else objects.set(key, { ref, all: new Map([...(objects.get(key)?.all ?? []), ...changed]) });
  }
  return [...objects.values()].flatMap(({ ref, all }) => {
    const known = TYPES_READ[ref.type];
    return known === undefined
      ? []
      : [{ kind: known.kind, id: ref.value, record: readRecord(ref.type, all) }];
  });
}

function changesOf(changes: Changes['changes']): readonly InventoryChange[] {
  return changes.flatMap(({ kind: what, ref, properties }): readonly InventoryChange[] => {
    const known = TYPES_READ[ref.type];
    if (known === undefined) return [];
    const { kind } = known;
    if (what === 'leave') return [{ kind, id: ref.value, changes: null }];
    if (what === 'enter') {
      return [{ kind, id: ref.value, changes: readRecord(ref.type, properties) }];
    }
    return [{ kind, id: ref.value, changes: readChanges(ref.type, properties)?.changes ?? {} }];
  });
}
