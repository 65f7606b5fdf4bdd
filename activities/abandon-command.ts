import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { failure } from '../shared/errors/result.ts';
import { releaseSourceAccess } from '../shared/services/release-source-access.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { ActivityDeps } from './support/deps.ts';

/**
 * Gives a command up: the agent is told at its next heartbeat, a late result is ignored. What the agent
 * could still read of the source it can read no more. Idempotent.
 */
export const createAbandonCommand = ({
  stores,
  snapshots,
}: Pick<ActivityDeps, 'stores' | 'snapshots'>): ActivityHandler<'abandonCommand'> =>
  async function abandonCommand({ commandId, error }) {
    const command = await updateRecord(stores.commands, commandId, (current) =>
      current.result === null ? { ...current, result: failure(error) } : current,
    );
    if (command?.result?.ok === false) await releaseSourceAccess({ stores, snapshots }, command);
    return null;
  };
