import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { sendCommand as send } from '../shared/services/send-command.ts';
import type { ActivityDeps } from './support/deps.ts';

/** Records and sends a command to an agent. Idempotent by command id: see the service. */
export const createSendCommand = (
  deps: Pick<ActivityDeps, 'stores' | 'queues' | 'clock'>,
): ActivityHandler<'sendCommand'> =>
  async function sendCommand(command) {
    await send(deps, command);
    return null;
  };
