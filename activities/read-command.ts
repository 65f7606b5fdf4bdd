import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { invariant } from '../shared/domain/assert.ts';
import type { StoreDeps } from './support/deps.ts';

/** The result that the agent reported; `null` while it works. Reads only. */
export const createReadCommand = ({ stores }: StoreDeps): ActivityHandler<'readCommand'> =>
  async function readCommand({ commandId }) {
    const found = await stores.commands.get(commandId);
    invariant(found !== null, `The command ${commandId} was waited for but never sent`);
    return { result: found.value.result };
  };
