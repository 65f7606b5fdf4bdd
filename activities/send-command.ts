import { COMMANDS } from '../shared/contracts/commands.ts';
import type { ActivityHandler } from '../shared/contracts/activities.ts';
import { invariant } from '../shared/domain/assert.ts';
import type { CommandRecord } from '../shared/ports/stores.ts';
import type { ActivityDeps } from './support/deps.ts';

/**
 * Writes the command's record, then a message with its id. Run again it sends the message again, which
 * an agent answers with the result of the first run; a command that has a result is not sent.
 */
export const createSendCommand = ({
  stores,
  queues,
  clock,
}: Pick<ActivityDeps, 'stores' | 'queues' | 'clock'>): ActivityHandler<'sendCommand'> =>
  async function sendCommand({ commandId, agentId, name, input, deadlineAt, instanceId }) {
    const parsed = COMMANDS[name].input.safeParse(input);
    invariant(parsed.success, `Input of ${name} (${commandId}) does not fit its schema`);
    const known = await stores.commands.get(commandId);
    if (known?.value.result) return null;
    if (known === null) {
      const record: CommandRecord = {
        id: commandId,
        agentId,
        name,
        input,
        instanceId,
        sentAt: clock.now().toISOString(),
        deadlineAt,
        result: null,
        progress: null,
        progressAt: null,
      };
      await stores.commands.create(record);
    }
    await queues.send(agentId, commandId);
    return null;
  };
