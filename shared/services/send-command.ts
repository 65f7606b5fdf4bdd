import { COMMANDS, type CommandName } from '../contracts/commands.ts';
import { invariant } from '../domain/assert.ts';
import type { AgentQueues, Clock } from '../ports/messaging.ts';
import type { Stores } from '../ports/stores.ts';

interface Deps {
  readonly stores: Stores;
  readonly queues: AgentQueues;
  readonly clock: Clock;
}

interface CommandToSend {
  readonly commandId: string;
  readonly agentId: string;
  readonly name: CommandName;
  readonly input: unknown;
  readonly deadlineAt: string;
  /** Orchestration to wake when the result is there; empty for nobody. */
  readonly instanceId: string;
}

/**
 * Writes the command's record, then a message with its id. Run again it sends the message again, which
 * an agent answers with the result of the first run; a command that has a result is not sent.
 */
export async function sendCommand(
  { stores, queues, clock }: Deps,
  command: CommandToSend,
): Promise<void> {
  const { commandId: id, ...rest } = command;
  const parsed = COMMANDS[command.name].input.safeParse(command.input);
  invariant(parsed.success, `Input of ${command.name} (${id}) does not fit its schema`);
  const known = await stores.commands.get(id);
  if (known !== null && known.value.result !== null) return;
  if (known === null) {
    const sentAt = clock.now().toISOString();
    const fresh = { sentAt, result: null, progress: null, progressAt: null };
    await stores.commands.create({ id, ...rest, ...fresh });
  }
  await queues.send(command.agentId, id);
}
