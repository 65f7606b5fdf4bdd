import type { DataAccess } from '../../shared/contracts/agent-protocol.ts';
import type { CommandInput, CommandName, CommandOutput } from '../../shared/contracts/commands.ts';
import type { TransferProgress } from '../../shared/contracts/progress.ts';
import type { Result } from '../../shared/errors/result.ts';

/** Lines with a level; values that look like secrets are masked before they are written. */
export interface Logger {
  debug(message: string, values?: Readonly<Record<string, unknown>>): void;
  info(message: string, values?: Readonly<Record<string, unknown>>): void;
  warn(message: string, values?: Readonly<Record<string, unknown>>): void;
  error(message: string, values?: Readonly<Record<string, unknown>>): void;
}

/** What a command handler gets besides its input. */
export interface CommandContext {
  readonly commandId: string;
  /** When the control plane gives the command up, in milliseconds since 1970. */
  readonly deadlineAtMs: number;
  /** Aborted when the control plane gives the command up or the agent stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Cheap to call often; sent at most once a second, and whenever its health becomes another one. */
  reportProgress(progress: TransferProgress): void;
  /** Fresh SAS URLs for this command. Call again before `expiresAt` or after a 403. */
  dataAccess(): Promise<DataAccess>;
}

/**
 * Does one command. Idempotent: after a crash the same command comes again. Throws FailbackError (or
 * returns a failure) for what went wrong; anything else thrown is reported as FB-SITE-900 "internal".
 */
export type CommandHandler<N extends CommandName> = (
  input: CommandInput<N>,
  context: CommandContext,
) => Promise<Result<CommandOutput<N>>>;

export type CommandHandlers = { readonly [N in CommandName]?: CommandHandler<N> };
