import type { AccessGrant } from './azure.ts';

/** One queue an agent. Messages carry the command's id only. */
export interface AgentQueues {
  /** Creates the queue when it is missing; the URL lets its owner receive and delete messages. */
  grantReceive(agentId: string): Promise<AccessGrant>;
  send(agentId: string, commandId: string): Promise<void>;
}

/** Starts and wakes orchestrations from activities and HTTP functions. */
export interface Orchestrator {
  /** Starting an instance that runs already is fine: it is left alone. */
  start(name: string, instanceId: string, input: unknown): Promise<void>;
  /** A finished or unknown instance is fine: events only wake. */
  wake(instanceId: string, eventName: string): Promise<void>;
  isRunning(instanceId: string): Promise<boolean>;
}

export interface Clock {
  now(): Date;
}
