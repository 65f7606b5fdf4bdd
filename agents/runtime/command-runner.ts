import { z } from 'zod';
import type { CommandEnvelope } from '../../shared/contracts/agent-protocol.ts';
import { COMMANDS, isCommandName } from '../../shared/contracts/commands.ts';
import type { TransferProgress } from '../../shared/contracts/progress.ts';
import { redact } from '../../shared/domain/secret.ts';
import { errorRecord, FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result } from '../../shared/errors/result.ts';
import type { CommandJournal } from './command-journal.ts';
import type { ControlPlaneClient } from './control-plane-client.ts';
import type { CommandContext, CommandHandlers, Logger } from './types.ts';

const PROGRESS_INTERVAL_MS = 1000;
/** The control plane's own code, and the status codes of whatever stands in front of it. */
const REFUSED_BODY: readonly unknown[] = ['FB-REQ-001', 400, 413, 422];

interface RunnerOptions {
  readonly client: ControlPlaneClient;
  readonly journal: CommandJournal;
  readonly handlers: CommandHandlers;
  readonly log: Logger;
}

type AnyHandler = (input: unknown, context: CommandContext) => Promise<Result<unknown>>;

/** Runs one command from its envelope to its accepted result. */
export class CommandRunner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, AbortController>();
  #isStopping = false;
  /** The last command of each subject; commands of one subject run one after the other. */
  readonly #queues = new Map<string, Promise<void>>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get runningIds(): readonly string[] {
    return [...this.#running.keys()];
  }

  cancel(commandId: string): void {
    this.#running.get(commandId)?.abort();
  }

  /** The agent stops: what runs is broken off and left for the next start, not reported as failed. */
  stop(): void {
    this.#isStopping = true;
    for (const controller of this.#running.values()) controller.abort();
  }

  /** Returns when the control plane has the result. A command that runs already is left alone. */
  async run(commandId: string): Promise<'done' | 'alreadyRunning'> {
    if (this.#running.has(commandId)) return 'alreadyRunning';
    const controller = new AbortController();
    this.#running.set(commandId, controller);
    try {
      const { client, journal } = this.#options;
      const known = journal.find(commandId);
      const result = known ?? (await this.#execute(await client.command(commandId), controller));
      if (result !== null) await this.#report(commandId, result);
      return 'done';
    } finally {
      this.#running.delete(commandId);
    }
  }

  /** A result that the control plane does not take is a defect; the command has to end all the same. */
  async #report(commandId: string, result: Result<unknown>): Promise<void> {
    const { client, log } = this.#options;
    try {
      await client.result(commandId, result);
    } catch (error) {
      if (!(error instanceof FailbackError) || !isRefusedBody(error)) throw error;
      log.error('the control plane refused a result', { commandId, reason: error.message });
      const values = { command: commandId, reason: error.message.slice(0, 300) };
      await client.result(commandId, failure(errorRecord('FB-SITE-900', values)));
    }
  }

  async #execute(
    envelope: CommandEnvelope,
    controller: AbortController,
  ): Promise<Result<unknown> | null> {
    const { commandId, name, state, deadline } = envelope;
    if (state !== 'pending') return null;
    const { log, journal } = this.#options;
    const late = failure(errorRecord('FB-AGENT-010', { command: name }));
    const isLate = (): boolean => Date.parse(deadline) < Date.now();
    if (isLate()) return late;
    let startedAt = Date.now();
    const result = await this.#inTurn(subjectOf(envelope), async () => {
      // While it waited for its turn it may have been given up, or the agent may have been told to stop.
      if (controller.signal.aborted) return failure(errorRecord('FB-DATA-008'));
      if (isLate()) return late;
      startedAt = Date.now();
      log.info(`${name} starts`, { commandId });
      return this.#call(envelope, controller);
    });
    if (this.#isStopping && controller.signal.aborted && !result.ok) {
      throw new Error('the agent stops; the command is left for its next start');
    }
    const outcome = result.ok ? 'done' : `${result.error.code} ${result.error.message}`;
    log.info(`${name}: ${outcome}`, { commandId, durationMs: Date.now() - startedAt });
    journal.record(commandId, result);
    return result;
  }

  async #call(envelope: CommandEnvelope, controller: AbortController): Promise<Result<unknown>> {
    const { name, commandId } = envelope;
    // Older than the control plane, this agent may not even know the name.
    const handler = isCommandName(name)
      ? (this.#options.handlers[name] as AnyHandler | undefined)
      : undefined;
    if (!isCommandName(name) || handler === undefined) {
      return failure(errorRecord('FB-AGENT-008', { command: name }));
    }
    const input = COMMANDS[name].input.safeParse(envelope.input);
    if (!input.success) {
      const problems = input.error.issues.map(
        ({ path, message }) => `${path.join('.')}: ${message}`,
      );
      return failure(errorRecord('FB-AGENT-009', { command: name, problems: problems.join('; ') }));
    }
    try {
      return await handler(input.data, this.#context(envelope, controller.signal));
    } catch (error) {
      if (error instanceof FailbackError) return failure(error.toRecord());
      if (controller.signal.aborted) return failure(errorRecord('FB-DATA-008'));
      const reason = redact(error instanceof Error ? error.message : String(error)).slice(0, 300);
      this.#options.log.error(`${name} threw`, { commandId, stack: errorStack(error) });
      return failure(errorRecord('FB-SITE-900', { command: name, reason }));
    }
  }

  #context({ commandId, deadline }: CommandEnvelope, signal: AbortSignal): CommandContext {
    const { client, log } = this.#options;
    let reportedAt = 0;
    let reportedHealth: string | undefined;
    return {
      commandId,
      deadlineAtMs: Date.parse(deadline),
      signal,
      log,
      dataAccess: () => client.dataAccess(commandId),
      reportProgress: (progress: TransferProgress) => {
        const now = Date.now();
        const health = progress.health?.code;
        if (now - reportedAt < PROGRESS_INTERVAL_MS && health === reportedHealth) return;
        reportedAt = now;
        reportedHealth = health;
        client.progress(commandId, progress).catch((error: unknown) => {
          log.debug('progress was not accepted', { reason: String(error) });
        });
      },
    };
  }

  async #inTurn<T>(subject: string, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(subject) ?? Promise.resolve();
    const run = before.then(work);
    const settled = run.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(subject, settled);
    void settled.then(() => {
      if (this.#queues.get(subject) === settled) this.#queues.delete(subject);
    });
    return run;
  }
}

/** Not understood, or too large: sent again it would be refused again. */
function isRefusedBody({ code, values }: FailbackError): boolean {
  return code === 'FB-AGENT-005' && REFUSED_BODY.includes(values['code'] ?? '');
}

const subjectSchema = z.object({
  replicationId: z.string().optional(),
  diskId: z.string().default(''),
  vmName: z.string().optional(),
  targetVmId: z.string().optional(),
});

/**
 * Disks travel side by side; everything else of one replication happens in order, and so do changes of one VM. What
 * is about neither, or only looks, waits for nobody: the merge of large snapshots must not hold up all others.
 */
function subjectOf({ name, commandId, input }: CommandEnvelope): string {
  const { replicationId, diskId, vmName, targetVmId } = subjectSchema.safeParse(input).data ?? {};
  if (replicationId !== undefined) return `replication/${replicationId}/${diskId}`;
  const vm = targetVmId ?? vmName;
  return name === 'removeSnapshots' && vm !== undefined ? `vm/${vm}` : `command/${commandId}`;
}

function errorStack(error: unknown): string {
  return redact(error instanceof Error ? (error.stack ?? error.message) : String(error));
}
