import { setTimeout as delay } from 'node:timers/promises';
import type { AgentKind } from '../../shared/contracts/agent-protocol.ts';
import type { MasterTargetLoad } from '../../shared/domain/choose-master-target.ts';
import { redact } from '../../shared/domain/secret.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { withBackoff } from './backoff.ts';
import { CertificateKeeper } from './certificate-keeper.ts';
import { CommandJournal } from './command-journal.ts';
import { runCommandLoop } from './command-loop.ts';
import { CommandRunner } from './command-runner.ts';
import type { AgentConfig } from './config.ts';
import { ControlPlaneClient, KeyRefused } from './control-plane-client.ts';
import { type Identity, IdentityStore } from './identity-store.ts';
import { createLogger } from './logger.ts';
import { Activity } from './queue-pace.ts';
import type { CommandHandlers, Logger } from './types.ts';

export const AGENT_VERSION = '0.1.0';

/** What a program gets to build its command handlers with. */
export interface AgentRuntime {
  readonly log: Logger;
  readonly dataFolder: string;
  /** For work that no command asks for. */
  readonly activity: Activity;
  /** Present for programs that ask for a certificate. */
  readonly certificates: CertificateKeeper | null;
}

export interface AgentProgram {
  readonly handlers: CommandHandlers;
  /** Where peers reach it. */
  readonly address?: { readonly host: string; readonly port: number };
  /** Of a master target: how busy it is now. */
  load?(): Promise<MasterTargetLoad>;
  stop(): Promise<void>;
}

interface AgentOptions {
  readonly kind: AgentKind;
  readonly config: AgentConfig;
  readonly needsCertificate: boolean;
  readonly createProgram: (runtime: AgentRuntime) => Promise<AgentProgram>;
}

/**
 * Registers, gets a certificate, starts the program, then beats and works until it is told to stop. Throws what
 * keeps it from working for good.
 */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, kind } = options;
  const log = createLogger(config.logLevel, config.logFile);
  const stopping = new AbortController();
  let isToldToStop = false;
  const stop = (): void => {
    isToldToStop = true;
    stopping.abort();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const client = new ControlPlaneClient(config.controlPlaneUrl, stopping.signal);
  try {
    const session = new Session(options, client, log);
    await session.register();
    const { dataFolder, passphrase, configurationServer } = config;
    const certificates = options.needsCertificate
      ? await CertificateKeeper.start({
          client,
          dataFolder,
          agentName: config.name,
          passphrase,
          configurationServer,
          signal: stopping.signal,
          log,
        })
      : null;
    const activity = new Activity();
    const program = await options.createProgram({ log, dataFolder, activity, certificates });
    const keeping = certificates?.keepFresh();
    try {
      await work({ session, program, client, log, stopping, config, kind, activity });
    } finally {
      stopping.abort();
      await keeping;
      await program.stop();
    }
  } catch (error) {
    if (!isToldToStop) throw error;
  }
}

interface Work {
  readonly session: Session;
  readonly program: AgentProgram;
  readonly client: ControlPlaneClient;
  readonly log: Logger;
  readonly stopping: AbortController;
  readonly config: AgentConfig;
  readonly kind: AgentKind;
  readonly activity: Activity;
}

async function work(parts: Work): Promise<void> {
  const { session, program, client, log, stopping, config, kind, activity } = parts;
  const { signal } = stopping;
  const journal = new CommandJournal(config.dataFolder);
  const runner = new CommandRunner({ client, journal, handlers: program.handlers, log });
  signal.addEventListener('abort', () => runner.stop());
  try {
    await session.firstBeat(runner, program, signal);
    process.stdout.write(`agent ${kind} ${config.name} ready\n`);
    // An agent that the control plane does not take any more stops working, and says why.
    const beating = beatUntilStopped(parts, runner).finally(() => stopping.abort());
    const queueUrl = (): string => session.queueUrl;
    const loop = runCommandLoop({ runner, log, signal, activity, queueUrl });
    await Promise.allSettled([beating, loop]);
    await Promise.all([beating, loop]);
  } finally {
    journal.close();
  }
}

async function beatUntilStopped(parts: Work, runner: CommandRunner): Promise<void> {
  const { session, program, log, config } = parts;
  const { signal } = parts.stopping;
  while (!signal.aborted) {
    await delay(config.heartbeatSeconds * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await session.beat(runner, program);
    } catch (error) {
      log.warn('no heartbeat', { reason: redact(String(error)) });
      if (error instanceof KeyRefused) await session.registerAnew();
    }
  }
}

/** Our standing with the control plane. */
class Session {
  readonly #options: AgentOptions;
  readonly #client: ControlPlaneClient;
  readonly #store: IdentityStore;
  readonly #log: Logger;
  queueUrl = '';

  constructor(options: AgentOptions, client: ControlPlaneClient, log: Logger) {
    this.#options = options;
    this.#client = client;
    this.#log = log;
    this.#store = new IdentityStore(options.config.dataFolder);
  }

  /** With the identity we have, or a new one when there is none or it is not known any more. */
  async register(): Promise<void> {
    const known = this.#store.read();
    if (known === null || !(await this.#isKnown(known))) await this.registerAnew();
  }

  async registerAnew(): Promise<void> {
    const { kind, config } = this.#options;
    const agent = { kind, name: config.name, version: AGENT_VERSION };
    const registered = await this.#client.register(agent, config.registrationToken);
    this.#store.write(registered);
    this.queueUrl = registered.queueUrl;
  }

  /** As a registration, it waits for a control plane that does not answer. */
  async firstBeat(
    runner: CommandRunner,
    program: AgentProgram,
    signal: AbortSignal,
  ): Promise<void> {
    const attempt = async (): Promise<void> => {
      try {
        await this.beat(runner, program);
      } catch (error) {
        if (!(error instanceof KeyRefused)) throw error;
        await this.registerAnew();
        await this.beat(runner, program);
      }
    };
    await withBackoff(attempt, {
      firstMs: 500,
      maxMs: 15_000,
      signal,
      isWorthRetrying: (error) => error instanceof FailbackError && error.isRetryable,
    });
  }

  async beat(runner: CommandRunner, program: AgentProgram): Promise<void> {
    const { address } = program;
    const load = await this.#load(program);
    const answer = await this.#client.heartbeat({
      version: AGENT_VERSION,
      runningCommandIds: [...runner.runningIds],
      ...(address === undefined ? {} : { address }),
      ...(load === undefined ? {} : { load }),
    });
    this.queueUrl = answer.queueUrl ?? this.queueUrl;
    for (const commandId of answer.cancelledCommandIds) runner.cancel(commandId);
  }

  /** One that cannot tell lives all the same; it is not chosen for more work. */
  async #load(program: AgentProgram): Promise<MasterTargetLoad | undefined> {
    try {
      return await program.load?.();
    } catch (error) {
      this.#log.warn('how busy this program is could not be found out', { reason: String(error) });
      return undefined;
    }
  }

  async #isKnown({ agentId, agentKey }: Identity): Promise<boolean> {
    this.#client.identify(agentId, agentKey);
    try {
      const beat = { version: AGENT_VERSION, runningCommandIds: [] };
      const { queueUrl } = await this.#client.heartbeat(beat);
      this.queueUrl = queueUrl ?? '';
      return queueUrl !== undefined;
    } catch {
      return false;
    }
  }
}
