import { isHeard } from '../../shared/domain/heartbeat.ts';
import type { Job } from '../../shared/domain/job.ts';
import { errorRecord } from '../../shared/errors/failback-error.ts';
import type { FunctionDeps } from '../support/deps.ts';
import { breakOff } from './break-off.ts';

/**
 * A cycle that cannot end must not keep a failover to a sealed point waiting for the week that a transfer may take: it
 * is broken off where its process server is silent, or somebody has said that Azure need not be asked.
 */
export async function breakOffVain(
  deps: FunctionDeps,
  { id: jobId, phase, failoverTo = 'latest', unreachableAccepted }: Job,
): Promise<void> {
  if (phase !== 'replicating' || failoverTo === 'latest') return;
  const isVain = unreachableAccepted !== undefined || (await isSenderSilent(deps, jobId));
  if (!isVain) return;
  await breakOff(deps, jobId, {
    isMeant: ({ name }) => name === 'replicateDisk',
    error: errorRecord('FB-SRC-006'),
  });
}

async function isSenderSilent({ stores, clock }: FunctionDeps, jobId: string): Promise<boolean> {
  const open = await stores.commands.listOpen(jobId);
  const senders = open.flatMap(({ name, agentId }) => (name === 'replicateDisk' ? [agentId] : []));
  const now = clock.now();
  const heard = (await stores.agents.list()).filter((agent) => isHeard(agent, now));
  return senders.some((id) => !heard.some((agent) => agent.id === id));
}
