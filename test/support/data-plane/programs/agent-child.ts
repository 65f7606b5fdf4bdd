import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { DataAccess } from '../../../../shared/contracts/agent-protocol.ts';
import type { CommandName } from '../../../../shared/contracts/commands.ts';
import type { TlsMaterial } from '../../../../agents/runtime/enrolment.ts';

export interface ChildStart {
  readonly kind: 'processServer' | 'masterTarget';
  readonly tls: TlsMaterial;
  readonly retentionFolder: string;
}

export interface ChildRequest {
  readonly name: CommandName;
  readonly input: unknown;
  readonly access?: DataAccess;
}

export type ChildAnswer =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly reason: string };

/** A data-plane program in a process of its own, with commands over IPC: made to be killed. */
export class AgentChild {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
    });
  }

  static async start(start: ChildStart): Promise<AgentChild> {
    const program = join(import.meta.dirname, 'agent-program.ts');
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.send(start);
    const answer = await answerOf(child);
    if (answer.kind !== 'ready') throw new Error('the program did not start');
    return new AgentChild(child, answer.port);
  }

  /** One command at a time. Rejects when the program is killed meanwhile. */
  async run(request: ChildRequest): Promise<unknown> {
    const answering = answerOf(this.#child);
    this.#child.send(request);
    const answer = await answering;
    if (answer.kind === 'result') return answer.value;
    throw new Error(answer.kind === 'failed' ? answer.reason : 'an unexpected answer');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function answerOf(child: ChildProcess): Promise<ChildAnswer> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => {
      child.off('message', onMessage);
      reject(new Error('the program was killed'));
    };
    const onMessage = (message: unknown): void => {
      child.off('exit', onExit);
      resolve(message as ChildAnswer);
    };
    child.once('exit', onExit);
    child.once('message', onMessage);
  });
}
