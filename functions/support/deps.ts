import type { Secret } from '../../shared/domain/secret.ts';
import type {
  AzureVirtualMachines,
  DiskSnapshots,
  ReplicaDisks,
} from '../../shared/ports/azure.ts';
import type { AccessKeys } from '../../shared/ports/access-keys.ts';
import type { AgentQueues, Clock, Orchestrator } from '../../shared/ports/messaging.ts';
import type { Stores } from '../../shared/ports/stores.ts';
import type { AccessPolicy } from '../security/caller.ts';

/** What HTTP and timer functions may touch. `orchestrator` belongs to one invocation. */
export interface FunctionDeps {
  readonly stores: Stores;
  readonly vms: AzureVirtualMachines;
  readonly snapshots: DiskSnapshots;
  readonly replicas: ReplicaDisks;
  readonly queues: AgentQueues;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
  readonly accessKeys: AccessKeys;
  readonly access: AccessPolicy;
  readonly registrationToken: Secret;
  /** Secrets that webhooks of recovery plans may name. */
  readonly webhookSecretNames: readonly string[];
  /** Unique, sorts newest first. */
  newJobId(prefix: string): string;
  newAgentKey(): string;
  /** Waits; for answers that are worth waiting for. */
  pause(milliseconds: number): Promise<void>;
  /** Tells apart what happens in the same millisecond. */
  newEventKey(): string;
}
