import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { connectedAgent } from './support/agents.ts';
import type { StoreDeps } from './support/deps.ts';

/** The id of a connected configuration server by name. Reads only. Throws FB-ORC-010. */
export const createFindConfigurationServer = (
  deps: StoreDeps,
): ActivityHandler<'findConfigurationServer'> =>
  async function findConfigurationServer({ name }) {
    const agent = await connectedAgent(deps, 'configurationServer', name);
    if (agent === null) {
      throw new FailbackError('FB-ORC-010', { kind: 'configuration server', name });
    }
    return { agentId: agent.id };
  };
