import { setTimeout as delay } from 'node:timers/promises';
import type { VsphereFacts } from '../../../../shared/contracts/site-facts.ts';
import type { SiteSubject } from '../../../../shared/ports/hypervisor.ts';
import type { Logger } from '../../../runtime/types.ts';
import type { InventoryTables } from '../../inventory-tables.ts';
import type { Discovery } from './discovery/discovery.ts';
import { UNKNOWN_FACTS, vsphereFacts } from './site-facts.ts';

/** Who asks is waiting. A first look at a large inventory takes longer, and goes on without them. */
const LOOK_MS = 60_000;
/** What nobody could look at for so long may be otherwise by now. */
const MAX_AGE_MS = 5 * 60_000;

interface Parts {
  readonly discovery: Pick<Discovery, 'lookNow'>;
  readonly tables: InventoryTables;
  readonly config: Parameters<typeof vsphereFacts>[1];
  readonly log: Logger;
  readonly lookMs?: number;
}

/**
 * What preflight asks of the site, looked at now: a snapshot that was removed and a privilege that was given a moment
 * ago count. Where the look fails, what was read in the last minutes counts; older than that, nothing is known.
 */
export async function currentFacts(
  { discovery, tables, config, log, lookMs = LOOK_MS }: Parts,
  subject: SiteSubject,
): Promise<VsphereFacts> {
  const timer = new AbortController();
  const late = delay(lookMs, undefined, { signal: timer.signal }).then(
    () => log.warn('the look at the inventory takes long', { waitedMs: lookMs }),
    () => undefined,
  );
  const look = discovery.lookNow().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn('the inventory of the site could not be read', { reason });
  });
  await Promise.race([look, late]);
  timer.abort();
  return isCurrent(tables) ? vsphereFacts(tables, config, subject) : UNKNOWN_FACTS;
}

/** Times of this machine both, so that no clock can be off. */
function isCurrent(tables: InventoryTables): boolean {
  const readAt = [tables.observedAt(), tables.fact('account')?.observedAt ?? null];
  return readAt.every((at) => at !== null && Date.now() - Date.parse(at) < MAX_AGE_MS);
}
