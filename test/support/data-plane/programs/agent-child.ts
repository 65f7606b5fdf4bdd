import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { DataAccess } from '../../../../shared/contracts/agent-protocol.ts';
import type { CommandName } from '../../../../shared/contracts/commands.ts';
import type { TlsMaterial } from '../../../../agents/runtime/enrolment.ts';

export interface ChildStart {
  readonly kind: 'processServer' | 'masterTarget';
  readonly tls: TlsMaterial;
  readonly retentionFolder: string;
  /** Of the master target; the same after a restart, so that a transfer finds it again. */
  readonly port: number;
}

export interface ChildRequest {
  readonly id: number;
  readonly name: CommandName;
  readonly input: unknown;
  readonly access?: DataAccess;
}

export type ChildAnswer =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string };

/** Programs that are loaded and wait for what they are to be. */
const spares: ChildProcess[] = [];

const COMPILE_CACHE = join(process.cwd(), '.lab', 'compile-cache');

function forkProgram(): ChildProcess {
  const program = join(import.meta.dirname, 'agent-program.ts');
  // Hundreds of them are started: half of their time would go into the same compilation.
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE };
  return fork(program, { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

/** A data-plane program in a process of its own, with commands over IPC: made to be killed. */
export class AgentChild {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #requests = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
    });
  }

  static async start(start: ChildStart): Promise<AgentChild> {
    const child = spares.pop() ?? forkProgram();
    // The next one loads while this one works.
    spares.push(forkProgram());
    child.send(start);
    const answer = await answerOf(child, ({ kind }) => kind === 'ready');
    if (answer.kind !== 'ready') throw new Error('the program did not start');
    return new AgentChild(child, answer.port);
  }

  /** Ends the program that was started in advance. */
  static disposeSpares(): void {
    for (const spare of spares.splice(0)) spare.kill('SIGKILL');
  }

  /** Rejects when the program is killed meanwhile. */
  async run(request: Omit<ChildRequest, 'id'>): Promise<unknown> {
    this.#requests += 1;
    const id = this.#requests;
    const answering = answerOf(
      this.#child,
      (answer) => answer.kind !== 'ready' && answer.id === id,
    );
    // One that was killed a moment ago still counts as connected; its end rejects the answer.
    if (this.#child.connected) this.#child.send({ ...request, id }, () => undefined);
    const answer = await answering;
    if (answer.kind === 'result') return answer.value;
    throw new Error(answer.kind === 'failed' ? answer.reason : 'an unexpected answer');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

async function answerOf(
  child: ChildProcess,
  isMeant: (answer: ChildAnswer) => boolean,
): Promise<ChildAnswer> {
  return new Promise((resolve, reject) => {
    const settle = (work: () => void): void => {
      child.off('exit', onExit);
      child.off('message', onMessage);
      work();
    };
    const onExit = (): void => settle(() => reject(new Error('the program was killed')));
    const onMessage = (message: unknown): void => {
      const answer = message as ChildAnswer;
      if (isMeant(answer)) settle(() => resolve(answer));
    };
    child.on('message', onMessage);
    child.on('exit', onExit);
    if (child.exitCode !== null || child.signalCode !== null) onExit();
  });
}
