import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { failure } from '../shared/errors/result.ts';
import { updateRecord } from '../shared/services/update-record.ts';
import type { StoreDeps } from './support/deps.ts';

/** Gives a command up: the agent is told at its next heartbeat, a late result is ignored. Idempotent. */
export const createAbandonCommand = ({ stores }: StoreDeps): ActivityHandler<'abandonCommand'> =>
  async function abandonCommand({ commandId, error }) {
    await updateRecord(stores.commands, commandId, (command) =>
      command.result === null ? { ...command, result: failure(error) } : command,
    );
    return null;
  };
