import { HEARTBEAT_STALE_MS } from '../../shared/policy/limits.ts';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import type { StoreDeps } from './deps.ts';

/** The agent of that name, if it was heard of lately. */
export async function connectedAgent(
  { stores, clock }: StoreDeps,
  kind: AgentRecord['kind'],
  name: string,
): Promise<AgentRecord | null> {
  const agents = await stores.agents.list();
  const now = clock.now().getTime();
  return (
    agents.find(
      (agent) =>
        agent.kind === kind &&
        agent.name === name &&
        now - Date.parse(agent.heartbeatAt) <= HEARTBEAT_STALE_MS,
    ) ?? null
  );
}
