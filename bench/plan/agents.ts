import { setTimeout as delay } from 'node:timers/promises';
import { commandEnvelopeSchema } from '../../shared/contracts/agent-protocol.ts';
import { isCommandName } from '../../shared/contracts/commands.ts';
import { FailbackError } from '../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../shared/errors/result.ts';
import { AGENT_KEY } from '../../test/support/world/agents.ts';
import { WORLD } from './world.ts';

const AT_THE_SAME_TIME = 32;
const HEADERS = { authorization: `Bearer ${AGENT_KEY}`, 'content-type': 'application/json' };

/** Stand-ins for all agents: fetch each command over HTTP, do it, report over HTTP, as the real ones. */
export class StandInAgents {
  readonly #url: string;
  readonly #waiting: string[] = [];
  #running = 0;
  commands = 0;
  retries = 0;

  constructor(url: string) {
    this.#url = url;
    WORLD.onCommand = (agentId, commandId) => {
      this.#waiting.push(`${agentId}/commands/${commandId}`);
      setImmediate(() => this.#next());
    };
  }

  #next(): void {
    const path = this.#running < AT_THE_SAME_TIME ? this.#waiting.shift() : undefined;
    if (path === undefined) return;
    this.#running += 1;
    this.commands += 1;
    void this.#do(path).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #do(path: string): Promise<void> {
    const url = `${this.#url}/api/agents/${path}`;
    const answer = await fetch(url, { headers: HEADERS });
    const { name, input, state } = commandEnvelopeSchema.parse(await answer.json());
    if (state !== 'pending') return;
    const body = JSON.stringify(perform(name, input));
    for (let attempt = 1; ; attempt += 1) {
      const reported = await fetch(`${url}/result`, { method: 'POST', headers: HEADERS, body });
      const text = await reported.text();
      if (reported.ok) return;
      // As the real agents: what may pass by itself is reported again.
      if (reported.status < 500 || attempt === 5) {
        throw new Error(`${path}: ${reported.status} ${text}`);
      }
      this.retries += 1;
      await delay(1_000);
    }
  }
}

function perform(name: string, input: unknown): Result<unknown> {
  if (!isCommandName(name)) throw new Error(`no agent here knows ${name}`);
  const fields = input as { replicationId?: string; vmName?: string };
  const machine = WORLD.machine(fields.replicationId ?? fields.vmName ?? '');
  try {
    return success(machine.perform(name, input));
  } catch (error) {
    if (error instanceof FailbackError) return failure(error.toRecord());
    throw error;
  }
}
