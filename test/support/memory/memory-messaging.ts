import { Secret } from '../../../shared/domain/secret.ts';
import type { AccessGrant } from '../../../shared/ports/azure.ts';
import type { AgentQueues, Clock, Orchestrator } from '../../../shared/ports/messaging.ts';

const DAY_MS = 86_400_000;

/** A clock that moves only when the test says so. */
export class MemoryClock implements Clock {
  #nowMs = Date.parse('2026-03-01T12:00:00.000Z');

  now(): Date {
    return new Date(this.#nowMs);
  }

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }
}

export class MemoryQueues implements AgentQueues {
  readonly messages: { readonly agentId: string; readonly commandId: string }[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async grantReceive(agentId: string): Promise<AccessGrant> {
    const url = new Secret(`https://queue.example/agent-${agentId}?sig=queue-${agentId}`);
    return { url, expiresAt: new Date(this.#clock.now().getTime() + DAY_MS) };
  }

  async send(agentId: string, commandId: string): Promise<void> {
    this.messages.push({ agentId, commandId });
  }
}

interface Started {
  readonly name: string;
  readonly instanceId: string;
  readonly input: unknown;
}

export class MemoryOrchestrator implements Orchestrator {
  readonly started: Started[] = [];
  readonly woken: string[] = [];
  readonly running = new Set<string>();

  async start(name: string, instanceId: string, input: unknown): Promise<void> {
    if (this.running.has(instanceId)) return;
    this.running.add(instanceId);
    this.started.push({ name, instanceId, input });
  }

  async wake(instanceId: string, eventName: string): Promise<void> {
    this.woken.push(`${instanceId} ${eventName}`);
  }

  async isRunning(instanceId: string): Promise<boolean> {
    return this.running.has(instanceId);
  }
}
