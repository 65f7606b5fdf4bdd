import type { InvocationContext } from '@azure/functions';
import { optionsSchema } from '../../shared/contracts/http-api.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { startJob } from '../jobs/start-job.ts';
import type { FunctionDeps } from '../support/deps.ts';

const OPTIONS = optionsSchema.parse({ autoFailover: true });

/** Starts a rehearsal of every machine that has them switched on and is free. */
export async function startRehearsals(
  deps: FunctionDeps,
  context: Pick<InvocationContext, 'log' | 'warn'>,
): Promise<void> {
  for (const item of await deps.stores.items.list()) {
    if (!item.isRehearsalEnabled || item.phase !== 'failedOver') continue;
    try {
      const request = { protectedItemId: item.id, options: OPTIONS, caller: 'system' };
      const job = await startJob(deps, 'rehearsal', request);
      context.log(`Rehearsal ${job.id} of ${item.name} started`);
    } catch (error) {
      if (!(error instanceof FailbackError)) throw error;
      context.warn(`No rehearsal of ${item.name}: ${error.message}`);
    }
  }
}
