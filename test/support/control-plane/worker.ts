import { CommandJournal } from '../../../agents/runtime/command-journal.ts';
import { runCommandLoop } from '../../../agents/runtime/command-loop.ts';
import { CommandRunner } from '../../../agents/runtime/command-runner.ts';
import { ControlPlaneClient } from '../../../agents/runtime/control-plane-client.ts';
import { Activity } from '../../../agents/runtime/queue-pace.ts';
import type { CommandHandlers, Logger } from '../../../agents/runtime/types.ts';
import type { AgentKind } from '../../../shared/contracts/agent-protocol.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import { type ControlPlane, REGISTRATION_TOKEN } from './control-plane.ts';

export interface Worker {
  readonly agentId: string;
  readonly client: ControlPlaneClient;
  readonly runner: CommandRunner;
  /** Every line of the log, from debug up. */
  readonly lines: readonly string[];
  /** As on SIGTERM: what runs is broken off; resolves when nothing runs any more. */
  stop(): Promise<void>;
}

interface WorkerOptions {
  readonly controlPlane: ControlPlane;
  readonly dataFolder: string;
  readonly handlers: CommandHandlers;
  readonly kind?: AgentKind;
  readonly name?: string;
}

export function loggerOf(lines: string[]): Logger {
  const keep: Logger['info'] = (message, values) =>
    void lines.push(`${message} ${JSON.stringify(values ?? {})}`);
  return { debug: keep, info: keep, warn: keep, error: keep };
}

/** The parts of an agent that receive and run commands, without its heart. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { controlPlane, dataFolder, handlers, kind = 'configurationServer' } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const client = new ControlPlaneClient(controlPlane.url, signal);
  const agent = { kind, name: options.name ?? 'worker-1', version: '1' };
  const { agentId, queueUrl } = await client.register(agent, new Secret(REGISTRATION_TOKEN));
  const journal = new CommandJournal(dataFolder);
  const lines: string[] = [];
  const log = loggerOf(lines);
  const runner = new CommandRunner({ client, journal, handlers, log });
  signal.addEventListener('abort', () => runner.stop());
  const loop = runCommandLoop({
    runner,
    log,
    signal,
    activity: new Activity(),
    queueUrl: () => queueUrl,
  });
  return {
    agentId,
    client,
    runner,
    lines,
    stop: async () => {
      if (signal.aborted) return;
      stopping.abort();
      await loop;
      journal.close();
    },
  };
}
