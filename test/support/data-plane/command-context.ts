import { setTimeout as delay } from 'node:timers/promises';
import type { DataAccess } from '../../../shared/contracts/agent-protocol.ts';
import {
  type CommandInput,
  type CommandName,
  type CommandOutput,
  COMMANDS,
} from '../../../shared/contracts/commands.ts';
import type { TransferProgress } from '../../../shared/contracts/progress.ts';
import type { ErrorCode } from '../../../shared/errors/catalogue.ts';
import type { ErrorRecord } from '../../../shared/errors/failback-error.ts';
import type {
  CommandContext,
  CommandHandler,
  CommandHandlers,
  Logger,
} from '../../../agents/runtime/types.ts';

/** Longer than any test. */
const COMMAND_MS = 600_000;

/** A command context that remembers what the handler said. */
export interface FakeContext extends CommandContext {
  readonly progress: TransferProgress[];
  readonly warnings: string[];
  /** How often access to the data was asked for. */
  readonly accessCount: number;
  abort(): void;
}

export function aCommandContext(
  dataAccess: () => Promise<DataAccess> = async () => ({ expiresAt: new Date(0).toISOString() }),
): FakeContext {
  const controller = new AbortController();
  const progress: TransferProgress[] = [];
  const warnings: string[] = [];
  let accessCount = 0;
  return {
    commandId: 'command-1',
    deadlineAtMs: Date.now() + COMMAND_MS,
    signal: controller.signal,
    log: loggerInto(warnings),
    progress,
    warnings,
    get accessCount() {
      return accessCount;
    },
    reportProgress: (each) => progress.push(each),
    dataAccess: async () => {
      accessCount += 1;
      return dataAccess();
    },
    abort: () => controller.abort(),
  };
}

/** Returns what the context was told once it waits: for room, where no other code is named. */
export async function untilHeldUp(
  context: FakeContext,
  code: ErrorCode = 'FB-JRN-004',
): Promise<ErrorRecord> {
  for (;;) {
    const told = context.progress.find(({ health }) => health?.code === code);
    if (told?.health) return told.health;
    await delay(20);
  }
}

/** Keeps warnings and errors with their values, drops the rest. */
export function loggerInto(lines: string[]): Logger {
  const keep: Logger['warn'] = (message, values) =>
    void lines.push(`${message} ${JSON.stringify(values ?? {})}`);
  return { debug: () => undefined, info: () => undefined, warn: keep, error: keep };
}

/** Runs a command as the agent runtime does: parsed input, and an output that fits its schema. */
export async function runCommand<N extends CommandName>(
  handlers: CommandHandlers,
  name: N,
  input: CommandInput<N>,
  context: CommandContext = aCommandContext(),
): Promise<CommandOutput<N>> {
  const handler: CommandHandler<N> | undefined = handlers[name];
  if (handler === undefined) throw new Error(`No handler for ${name}`);
  const result = await handler(COMMANDS[name].input.parse(input) as CommandInput<N>, context);
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  COMMANDS[name].output.parse(result.value);
  return result.value;
}
