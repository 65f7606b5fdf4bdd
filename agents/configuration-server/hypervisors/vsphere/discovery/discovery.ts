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

export interface Refresh {
  /** When all that is in the tables was true. */
  readonly observedAt: string;
  /** False when only what changed since the last refresh was read. */
  readonly isFresh: boolean;
  readonly changeCount: number;
}

/** Reads the inventory of a vSphere server into the site's database: all of it once, then what changed. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #watch: PropertyWatch;
  #view: MoRef | null = null;
  #running: Promise<Refresh> | null = null;

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

  /** Licences and privileges, these on what was read before; asked for apart, because they hardly ever change. */
  async refreshFacts(): Promise<{ readonly licences: LicenceFact; readonly account: AccountFact }> {
    const { session, tables, config } = this.#options;
    const observedAt = this.#now();
    const { about, rootFolder } = await session.content();
    const licences = await readLicences(session);
    const places = privilegePlaces(tables, config, rootFolder);
    const account = await readAccount(session, places, placesForRdm(tables, config));
    tables.putFact('server', about, observedAt);
    tables.putFact('licences', licences, observedAt);
    tables.putFact('account', account, observedAt);
    return { licences, account };
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
    return (this.#options.now?.() ?? new Date()).toISOString();
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
