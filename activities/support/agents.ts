import { isHeard } from '../../shared/domain/heartbeat.ts';
import type { AgentRecord } from '../../shared/ports/stores.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { StoreDeps } from './deps.ts';

/** The agent of that name, if it was heard of lately and is to stay. */
export async function connectedAgent(
  { stores, clock }: StoreDeps,
  kind: AgentRecord['kind'],
  name: string,
): Promise<AgentRecord | null> {
  const agents = await stores.agents.list();
  const now = clock.now();
  return (
    agents.find(
      (agent) =>
        agent.kind === kind &&
        agent.name === name &&
        agent.isRetired !== true &&
        isHeard(agent, now),
    ) ?? null
  );
}

const LONG_AGO = new Date(0).toISOString();

/**
 * A process server that is retired is given no more work and its heartbeats do not count: its machine lives on for the
 * minutes that its deletion takes. One that stays after all counts again from its next heartbeat on.
 */
export async function setRetired(
  stores: StoreDeps['stores'],
  name: string,
  isRetired: boolean,
): Promise<void> {
  for (const agent of await stores.agents.list()) {
    if (agent.kind !== 'processServer' || agent.name !== name) continue;
    await updateRecord(stores.agents, agent.id, (current) => {
      if ((current.isRetired === true) === isRetired) return current;
      const { isRetired: _before, ...rest } = current;
      return isRetired ? { ...rest, heartbeatAt: LONG_AGO, isRetired } : rest;
    });
  }
}
