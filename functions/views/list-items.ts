import type { ProtectedItemView } from '../../shared/contracts/http-api.ts';
import type { HealthState } from '../../shared/domain/health.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import type { Page, PageRequest } from '../../shared/ports/stores.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { viewItems } from './item-view.ts';

/** Items that are looked at together: each costs a read of its last job, and of its open commands. */
const LOOKED_AT_ONCE = 100;
/** A health that nobody has must not cost a look at every item in one request of ours. */
const MAX_LOOKED_AT = 1_000;

type Deps = Pick<FunctionDeps, 'stores' | 'clock'>;

/**
 * A page of items as people see them. Health is no part of the record, it is found out item by item: so the page is
 * filled look by look, and the next one begins behind the last item that was looked at or, where more fitted than
 * were wanted, behind the last one that is shown.
 */
export async function listItems(
  deps: Deps,
  request: PageRequest<ProtectedItem>,
  health: HealthState | undefined,
): Promise<Page<ProtectedItemView>> {
  if (health === undefined) {
    const { values, next } = await deps.stores.items.listPage(request);
    return { values: await viewItems(deps, values), next };
  }
  const found: ProtectedItemView[] = [];
  let { after } = request;
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; lookedAt += LOOKED_AT_ONCE) {
    const page = await deps.stores.items.listPage({ ...request, limit: LOOKED_AT_ONCE, after });
    const views = await viewItems(deps, page.values);
    found.push(...views.filter((view) => view.health === health));
    const last = found[request.limit - 1];
    if (last !== undefined && found.length > request.limit) {
      return { values: found.slice(0, request.limit), next: last.id };
    }
    if (found.length === request.limit || page.next === null) {
      return { values: found, next: page.next };
    }
    after = page.next;
  }
  return { values: found, next: after ?? null };
}
