import { HttpRequest } from '@azure/functions';
import type { z } from 'zod';
import { commandEnvelopeSchema } from '../../../shared/contracts/agent-protocol.ts';
import { type CommandName, isCommandName } from '../../../shared/contracts/commands.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { failure, type Result, success } from '../../../shared/errors/result.ts';
import { getCommandRoute, reportResultRoute } from '../../../functions/agent-api/commands.ts';
import { dataAccessRoute } from '../../../functions/agent-api/data-access.ts';
import { answerTo } from '../../../functions/support/http.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { type Behaviour, Behaviours } from './behaviours.ts';
import type { Timers } from './timers.ts';

export const AGENT_KEY = 'agent-key';

/** Heartbeats tell an agent that a command was given up; these are broken off then, others run on. */
const INTERRUPTIBLE: readonly CommandName[] = ['replicateDisk', 'verifyDisks'];

/** These ask for SAS URLs before they move data. */
const NEEDS_ACCESS: readonly CommandName[] = ['replicateDisk', 'replicateToAzure'];

const RETRY_MS = 1_000;
const HEARTBEAT_MS = 15_000;

type CommandEnvelope = Omit<z.infer<typeof commandEnvelopeSchema>, 'name'> & {
  readonly name: CommandName;
};

interface Work {
  readonly agentId: string;
  readonly commandId: string;
}

interface AgentsParts {
  readonly timers: Timers;
  readonly deps: FunctionDeps;
  readonly isHostUp: () => boolean;
  /** Does what the command says; throws FailbackError. */
  readonly effect: (name: CommandName, input: unknown) => unknown;
}

/**
 * Stand-ins for the three agents. They talk to the product's own HTTP functions: fetch the command, do
 * it, report the result; a repeated command is answered with the first result, as the real journal does.
 */
export class Agents {
  readonly #parts: AgentsParts;
  readonly behaviours = new Behaviours();
  readonly #journal = new Map<string, Result<unknown>>();
  /** By subject: disks travel side by side, everything else of one replication happens in order. */
  readonly #lines = new Map<string, Work[]>();
  readonly #down = new Set<string>();
  readonly #mail = new Map<string, string[]>();
  #busy = 0;
  #waiters: (() => void)[] = [];
  /** Commands that were carried out, in order, each once. */
  readonly done: { readonly name: CommandName; readonly commandId: string }[] = [];
  /** Every message that was taken from a queue, repeated ones too. */
  readonly received: string[] = [];
  /** What these stand-ins or the HTTP functions threw; a test with defects proves nothing. */
  readonly defects: unknown[] = [];

  constructor(parts: AgentsParts) {
    this.#parts = parts;
  }

  /** Agents that are gone take no messages; what was sent waits in their queue. */
  setDown(agentId: string, isDown: boolean): void {
    if (isDown) {
      this.#down.add(agentId);
      return;
    }
    this.#down.delete(agentId);
    const waiting = this.#mail.get(agentId) ?? [];
    this.#mail.delete(agentId);
    for (const commandId of waiting) this.#take(agentId, commandId);
  }

  /** A message arrives in the queue of an agent. */
  deliver(agentId: string, commandId: string): void {
    if (this.#down.has(agentId)) {
      this.#mail.set(agentId, [...(this.#mail.get(agentId) ?? []), commandId]);
      return;
    }
    this.#take(agentId, commandId);
  }

  /** How often a command of that name was carried out. */
  timesDone(name: CommandName): number {
    return this.done.filter((each) => each.name === name).length;
  }

  /** The control plane has ended a command; an agent that still works on it hears so at its heartbeat. */
  ended(commandId: string, name: CommandName): void {
    if (!INTERRUPTIBLE.includes(name)) return;
    this.#parts.timers.after(HEARTBEAT_MS, () => {
      for (const [subject, [running]] of this.#lines) {
        if (running?.commandId === commandId) this.#track(async () => this.#advanceLine(subject));
      }
    });
  }

  get isIdle(): boolean {
    return this.#busy === 0;
  }

  async idle(): Promise<void> {
    if (this.isIdle) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  #take(agentId: string, commandId: string): void {
    this.received.push(commandId);
    this.#track(async () => {
      if (!this.#parts.isHostUp()) {
        this.#parts.timers.after(RETRY_MS, () => this.#take(agentId, commandId));
        return;
      }
      const known = this.#journal.get(commandId);
      if (known !== undefined) return this.#report({ agentId, commandId }, known);
      const envelope = await this.#envelope({ agentId, commandId });
      if (envelope.state !== 'pending') return;
      this.#standInLine({ agentId, commandId }, envelope);
    });
  }

  #standInLine(work: Work, envelope: CommandEnvelope): void {
    const subject = subjectOf(work.agentId, envelope.input);
    const line = this.#lines.get(subject) ?? [];
    if (line.some(({ commandId }) => commandId === work.commandId)) return;
    this.#lines.set(subject, [...line, work]);
    if (line.length === 0) this.#start(subject, work, envelope.name);
  }

  #start(subject: string, work: Work, name: CommandName): void {
    const behaviour = this.behaviours.next(name);
    if (behaviour.answer === 'never') return;
    this.#parts.timers.after(behaviour.afterMs, () => {
      this.#track(async () => this.#finish(subject, work, behaviour));
    });
  }

  async #finish(subject: string, work: Work, behaviour: Behaviour): Promise<void> {
    const { timers, isHostUp } = this.#parts;
    if (!isHostUp()) {
      timers.after(RETRY_MS, () => {
        this.#track(async () => this.#finish(subject, work, behaviour));
      });
      return;
    }
    if (this.#lines.get(subject)?.[0] !== work) return;
    const envelope = await this.#envelope(work);
    const isBrokenOff = envelope.state !== 'pending' && INTERRUPTIBLE.includes(envelope.name);
    if (!isBrokenOff) await this.#carryOut(work, envelope, behaviour);
    await this.#advanceLine(subject);
  }

  async #carryOut(work: Work, envelope: CommandEnvelope, behaviour: Behaviour): Promise<void> {
    const result = await this.#do(work, envelope, behaviour);
    this.#journal.set(work.commandId, result);
    if (behaviour.answer === 'neverButDone') return;
    await this.#report(work, result, behaviour.answer === 'withoutEvent');
    if (behaviour.answer === 'twice') await this.#report(work, result);
  }

  async #do(
    work: Work,
    { name, commandId, input }: CommandEnvelope,
    { error }: Behaviour,
  ): Promise<Result<unknown>> {
    this.done.push({ name, commandId });
    try {
      if (NEEDS_ACCESS.includes(name))
        await answerTo(dataAccessRoute, requestOf(work, 'POST'), this.#parts.deps);
      if (error !== null) return failure(error.toRecord());
      return success(this.#parts.effect(name, input));
    } catch (failed) {
      if (failed instanceof FailbackError) return failure(failed.toRecord());
      throw failed;
    }
  }

  async #advanceLine(subject: string): Promise<void> {
    const [, ...rest] = this.#lines.get(subject) ?? [];
    this.#lines.set(subject, rest);
    const [next] = rest;
    if (next === undefined) return;
    const envelope = await this.#envelope(next);
    if (envelope.state === 'pending') this.#start(subject, next, envelope.name);
    else await this.#advanceLine(subject);
  }

  async #envelope(work: Work): Promise<CommandEnvelope> {
    const answer = await answerTo(getCommandRoute, requestOf(work, 'GET'), this.#parts.deps);
    const { name, ...rest } = commandEnvelopeSchema.parse(answer.jsonBody);
    if (!isCommandName(name)) throw new Error(`no agent here knows ${name}`);
    return { name, ...rest };
  }

  async #report(work: Work, result: Result<unknown>, isEventLost = false): Promise<void> {
    const { deps } = this.#parts;
    const deaf = { ...deps.orchestrator, wake: async () => undefined };
    const request = requestOf(work, 'POST', JSON.stringify(result));
    const heard = isEventLost ? { ...deps, orchestrator: deaf } : deps;
    await answerTo(reportResultRoute, request, heard);
  }

  #track(work: () => Promise<void>): void {
    this.#busy += 1;
    void work()
      .catch((error: unknown) => {
        this.defects.push(error);
      })
      .finally(() => {
        this.#busy -= 1;
        if (!this.isIdle) return;
        for (const resolve of this.#waiters.splice(0)) resolve();
      });
  }
}

function requestOf(work: Work, method: 'GET' | 'POST', body?: string): HttpRequest {
  return new HttpRequest({
    method,
    url: `http://control-plane/api/agents/${work.agentId}/commands/${work.commandId}`,
    headers: { authorization: `Bearer ${AGENT_KEY}` },
    params: { agentId: work.agentId, commandId: work.commandId },
    ...(body === undefined ? {} : { body: { string: body } }),
  });
}

function subjectOf(agentId: string, input: unknown): string {
  const fields = typeof input === 'object' && input !== null ? input : {};
  const replicationId = 'replicationId' in fields ? String(fields.replicationId) : '';
  const diskId = 'diskId' in fields ? String(fields.diskId) : '';
  return `${agentId}/${replicationId}/${diskId}`;
}
