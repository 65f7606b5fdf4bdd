import { setTimeout as delay } from 'node:timers/promises';
import type { AgentKind } from '../../shared/contracts/agent-protocol.ts';
import { redact } from '../../shared/domain/secret.ts';
import { CommandJournal } from './command-journal.ts';
import { runCommandLoop } from './command-loop.ts';
import { CommandRunner } from './command-runner.ts';
import type { AgentConfig } from './config.ts';
import { ControlPlaneClient, KeyRefused } from './control-plane-client.ts';
import { enrol, type TlsMaterial } from './enrolment.ts';
import { type Identity, IdentityStore } from './identity-store.ts';
import { createLogger } from './logger.ts';
import type { CommandHandlers, Logger } from './types.ts';

export const AGENT_VERSION = '0.1.0';

/** What a program gets to build its command handlers with. */
export interface AgentRuntime {
  readonly log: Logger;
  readonly dataFolder: string;
  /** Present for programs that ask for a certificate. */
  readonly tls: TlsMaterial | null;
}

export interface AgentProgram {
  readonly handlers: CommandHandlers;
  /** Where peers reach it. */
  readonly address?: { readonly host: string; readonly port: number };
  stop(): Promise<void>;
}

interface AgentOptions {
  readonly kind: AgentKind;
  readonly config: AgentConfig;
  readonly needsCertificate: boolean;
  readonly createProgram: (runtime: AgentRuntime) => Promise<AgentProgram>;
}

/** Registers, gets a certificate, starts the program, then beats and works until it is told to stop. */
export async function runAgent(options: AgentOptions): Promise<void> {
  const { config, kind } = options;
  const log = createLogger(config.logLevel, config.logFile);
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const client = new ControlPlaneClient(config.controlPlaneUrl, stopping.signal);
  try {
    const session = new Session(options, client);
    await session.register();
    const tls = options.needsCertificate
      ? await enrol({
          client,
          dataFolder: config.dataFolder,
          agentName: config.name,
          passphrase: config.passphrase,
          configurationServer: config.configurationServer,
          signal: stopping.signal,
        })
      : null;
    const program = await options.createProgram({ log, dataFolder: config.dataFolder, tls });
    await work({ session, program, client, log, signal: stopping.signal, config, kind });
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
}

interface Work {
  readonly session: Session;
  readonly program: AgentProgram;
  readonly client: ControlPlaneClient;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly config: AgentConfig;
  readonly kind: AgentKind;
}

async function work({ session, program, client, log, signal, config, kind }: Work): Promise<void> {
  const journal = new CommandJournal(config.dataFolder);
  const runner = new CommandRunner({ client, journal, handlers: program.handlers, log });
  signal.addEventListener('abort', () => runner.stop());
  await session.beat(runner, program);
  process.stdout.write(`agent ${kind} ${config.name} ready\n`);
  const beating = beatUntilStopped({ session, runner, program, log, signal, config });
  await runCommandLoop({ runner, log, signal, queueUrl: () => session.queueUrl });
  await beating;
  await program.stop();
  journal.close();
}

async function beatUntilStopped(
  parts: Pick<Work, 'session' | 'program' | 'log' | 'signal' | 'config'> & {
    readonly runner: CommandRunner;
  },
): Promise<void> {
  const { session, runner, program, log, signal, config } = parts;
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
  queueUrl = '';

  constructor(options: AgentOptions, client: ControlPlaneClient) {
    this.#options = options;
    this.#client = client;
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

  async beat(runner: CommandRunner, program: AgentProgram): Promise<void> {
    const { address } = program;
    const answer = await this.#client.heartbeat({
      version: AGENT_VERSION,
      runningCommandIds: [...runner.runningIds],
      ...(address === undefined ? {} : { address }),
    });
    this.queueUrl = answer.queueUrl ?? this.queueUrl;
    for (const commandId of answer.cancelledCommandIds) runner.cancel(commandId);
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
