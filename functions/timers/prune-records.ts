import type { InvocationContext } from '@azure/functions';
import { keysOfPoint, newestFirst, newestFirstShort } from '../../shared/domain/newest-first.ts';
import { isRunOver } from '../../shared/domain/plan-run.ts';
import { MAX_PRUNED_PER_RUN, PRUNE_BATCH, PRUNE_CONCURRENCY } from '../../shared/policy/limits.ts';
import type { AgeingStore, AgeingStores } from '../../shared/ports/stores.ts';
import { inChunks } from '../../shared/services/in-chunks.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { pruneCommands } from './prune-commands.ts';
import { removeAll } from './remove-all.ts';

const DAY_MS = 24 * 3_600_000;

interface Deps extends Pick<FunctionDeps, 'clock'> {
  readonly stores: AgeingStores;
  readonly keepDays: {
    readonly events: number;
    readonly preflights: number;
    readonly idempotency: number;
    readonly commands: number;
    readonly points: number;
  };
}

/**
 * Deletes records that nobody needs any more. Jobs, runs of plans and their reports are history, and stay. Bounded, and
 * broken off at any point it is done again: what is gone is not found again, so that the next run goes on from there.
 */
export async function pruneRecords(
  { stores, clock, keepDays }: Deps,
  context: Pick<InvocationContext, 'log'>,
): Promise<void> {
  const now = clock.now();
  const before = (days: number): Date => new Date(now.getTime() - days * DAY_MS);
  const counts = {
    events: await pruneOld(stores.events, newestFirst(before(keepDays.events))),
    preflights: await pruneOld(
      stores.preflights,
      `pf-${newestFirstShort(before(keepDays.preflights))}`,
      // One that never ended may belong to a host that was off for long.
      ({ endedAt }) => endedAt !== null,
    ),
    // A record counts for a day, and expires then: what is kept beyond that is counted from there.
    idempotency: await pruneExpired(stores, before(keepDays.idempotency - 1)),
    commands: await pruneCommands(stores, { now, before: before(keepDays.commands) }),
    'recovery points': await prunePoints(stores, before(keepDays.points)),
    'replication groups': await pruneGroups(stores, before(keepDays.points)),
  };
  const said = Object.entries(counts).filter(([, count]) => count > 0);
  if (said.length === 0) return;
  context.log(`Pruned ${said.map(([kind, count]) => `${count} ${kind}`).join(', ')}`);
}

/** Ids sort newest first: everything behind this one is older. */
async function pruneOld<T extends { readonly id: string }>(
  store: AgeingStore<T>,
  begin: string,
  isOver: (value: T) => boolean | Promise<boolean> = () => true,
): Promise<number> {
  let [after, removed] = [begin, 0];
  for (let seen = 0; seen < MAX_PRUNED_PER_RUN; seen += PRUNE_BATCH) {
    const batch = await store.listBehind(after, PRUNE_BATCH);
    const over = await inChunks(batch, PRUNE_CONCURRENCY, async (each) =>
      (await isOver(each.value)) ? [each] : [],
    );
    removed += await removeAll(store, over.flat());
    after = batch.at(-1)?.value.id ?? after;
    if (batch.length < PRUNE_BATCH) break;
  }
  return removed;
}

/** Machine after machine, also of such that nobody cares for any more. */
async function prunePoints({ recoveryPoints }: AgeingStores, before: Date): Promise<number> {
  let [itemId, removed] = ['', 0];
  for (let looks = 0; looks < MAX_PRUNED_PER_RUN && removed < MAX_PRUNED_PER_RUN; looks += 1) {
    const first = await recoveryPoints.firstBehind(itemId);
    if (first === null) break;
    ({ itemId } = keysOfPoint(first.id));
    removed += await pruneOld(recoveryPoints, `${itemId}.${newestFirst(before)}`);
  }
  return removed;
}

/** A run names its groups after itself. While it goes on, its machines count their common points there. */
async function pruneGroups(
  { replicationGroups, planRuns }: AgeingStores,
  before: Date,
): Promise<number> {
  const isOver = async ({ id }: { readonly id: string }): Promise<boolean> => {
    const run = (await planRuns.get(id.split('-').slice(0, PARTS_OF_RUN_ID).join('-')))?.value;
    if (run === undefined) return true;
    return isRunOver(run) && Date.parse(run.endedAt ?? run.createdAt) < before.getTime();
  };
  return pruneOld(replicationGroups, `pr-${newestFirstShort(before)}`, isOver);
}

/** `pr-<time>-<what makes it unique>`. */
const PARTS_OF_RUN_ID = 3;

async function pruneExpired({ idempotency }: AgeingStores, before: Date): Promise<number> {
  let removed = 0;
  while (removed < MAX_PRUNED_PER_RUN) {
    const batch = await idempotency.listExpired(before.toISOString(), PRUNE_BATCH);
    const gone = await removeAll(idempotency, batch);
    removed += gone;
    if (gone === 0) break;
  }
  return removed;
}
