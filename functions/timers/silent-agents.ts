import { HEARTBEAT_STALE_MS } from '../../shared/policy/limits.ts';
import { recordEvent } from '../../shared/services/record-event.ts';
import { updateRecord } from '../../shared/services/update-record.ts';
import type { FunctionDeps } from '../support/deps.ts';

/** Notes once of every agent that it has fallen silent; its next heartbeat notes that it is back. */
export async function noteSilentAgents({
  stores,
  clock,
}: Pick<FunctionDeps, 'stores' | 'clock'>): Promise<void> {
  const now = clock.now().getTime();
  for (const { id, heartbeatAt, isReportedSilent, isRetired, name } of await stores.agents.list()) {
    const isSilent = now - Date.parse(heartbeatAt) > HEARTBEAT_STALE_MS;
    if (!isSilent || isReportedSilent === true || isRetired === true) continue;
    // With the time of the last heartbeat: one silence is one line, however often the timer broke off.
    await recordEvent(stores, `${id}-silent`, {
      kind: 'agentSilent',
      at: new Date(Date.parse(heartbeatAt) + HEARTBEAT_STALE_MS).toISOString(),
      caller: 'system',
      message: `${name} (${id}) has not been heard of since ${heartbeatAt}`,
    });
    await updateRecord(stores.agents, id, (agent) =>
      agent.heartbeatAt === heartbeatAt ? { ...agent, isReportedSilent: true } : agent,
    );
  }
}
