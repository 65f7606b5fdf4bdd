import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { masterTargetOf } from '../shared/domain/protected-item.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { connectedAgent } from './support/agents.ts';
import type { StoreDeps } from './support/deps.ts';
import { requireItem } from './support/records.ts';

/**
 * Who can undo what was done at the site. Reads our own tables only: the way back must not hang on what became of the
 * disks in Azure. Throws FB-ORC-010 while the configuration server is not connected.
 */
export const createFindSiteAgents = (deps: StoreDeps): ActivityHandler<'findSiteAgents'> =>
  async function findSiteAgents({ itemId }) {
    const item = await requireItem(deps.stores, itemId);
    const name = item.target.configurationServer;
    const masterTarget = masterTargetOf(item);
    const [server, target] = await Promise.all([
      connectedAgent(deps, 'configurationServer', name),
      masterTarget === null ? null : connectedAgent(deps, 'masterTarget', masterTarget),
    ]);
    if (server === null) {
      throw new FailbackError('FB-ORC-010', { kind: 'configurationServer', name });
    }
    return { configurationServerId: server.id, masterTargetId: target?.id ?? null };
  };
