import type { ActivityHandler, ActivityInput } from '../shared/contracts/activities.ts';
import type { CommandName } from '../shared/contracts/commands.ts';
import { jobIdOf } from '../shared/contracts/orchestrations.ts';
import { isTerminal } from '../shared/domain/job.ts';
import { FailbackError } from '../shared/errors/failback-error.ts';
import { sendCommand as send } from '../shared/services/send-command.ts';
import type { ActivityDeps, StoreDeps } from './support/deps.ts';

/** What takes hours: the cancel breaks off what is under way, and nothing of it may begin behind that. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/**
 * Records and sends a command to an agent. Idempotent by command id: see the service. Throws FB-ORC-012 for a job that
 * has ended, FB-ORC-005 for a transfer or comparison of a job that was cancelled.
 */
export const createSendCommand = (
  deps: Pick<ActivityDeps, 'stores' | 'queues' | 'clock'>,
): ActivityHandler<'sendCommand'> =>
  async function sendCommand(command) {
    await refuseInVain(deps.stores, command);
    await send(deps, command);
    return null;
  };

/**
 * A part of a job may live on after the job was ended from outside. What it would still start could meet
 * what the next job undoes: both machines running.
 */
async function refuseInVain(
  stores: StoreDeps['stores'],
  { commandId, name }: ActivityInput<'sendCommand'>,
): Promise<void> {
  const jobId = jobIdOf(commandId);
  const job = (await stores.jobs.get(jobId))?.value;
  if (job === undefined) return;
  if (isTerminal(job.state)) throw new FailbackError('FB-ORC-012', { jobId });
  const isCancelled = job.intents.cancel !== undefined;
  if (isCancelled && INTERRUPTIBLE.includes(name)) throw new FailbackError('FB-ORC-005');
}
