import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { connectedAgent } from './support/agents.ts';
import type { StoreDeps } from './support/deps.ts';

/** The id of a connected process server by name; `null` while it has not registered. Reads only. */
export const createFindAgent = (deps: StoreDeps): ActivityHandler<'findAgent'> =>
  async function findAgent({ name }) {
    const agent = await connectedAgent(deps, 'processServer', name);
    return { agentId: agent?.id ?? null };
  };
