import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { jobIdOf } from '../shared/contracts/orchestrations.ts';
import { isTerminal } from '../shared/domain/job.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { sendCommand as send } from '../shared/services/send-command.ts';
import type { ActivityDeps, StoreDeps } from './support/deps.ts';

/** Records and sends a command to an agent. Idempotent by command id: see the service. */
export const createSendCommand = (
  deps: Pick<ActivityDeps, 'stores' | 'queues' | 'clock'>,
): ActivityHandler<'sendCommand'> =>
  async function sendCommand(command) {
    await refuseForEndedJob(deps.stores, command.commandId);
    await send(deps, command);
    return null;
  };

/**
 * A part of a job may live on after the job was ended from outside. What it would still start could meet
 * what the next job undoes: both machines running.
 */
async function refuseForEndedJob(stores: StoreDeps['stores'], commandId: string): Promise<void> {
  const jobId = jobIdOf(commandId);
  const job = await stores.jobs.get(jobId);
  if (job !== null && isTerminal(job.value.state)) throw new FailbackError('FB-ORC-012', { jobId });
}
