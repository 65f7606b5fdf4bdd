import type {
  AzureVirtualMachines,
  DiskSnapshots,
  ProcessServerDeployments,
  ReplicaDisks,
} from '../../shared/ports/azure.ts';
import type { AgentQueues, Clock, Orchestrator } from '../../shared/ports/messaging.ts';
import type { JobControl, Webhooks } from '../../shared/ports/plans.ts';
import type { Stores } from '../../shared/ports/stores.ts';

/** Everything activities may touch. Each takes what it needs with `Pick`. */
export interface ActivityDeps {
  readonly stores: Stores;
  readonly vms: AzureVirtualMachines;
  readonly snapshots: DiskSnapshots;
  readonly replicas: ReplicaDisks;
  readonly processServers: ProcessServerDeployments;
  readonly queues: AgentQueues;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
  readonly jobControl: JobControl;
  readonly webhooks: Webhooks;
}

export type StoreDeps = Pick<ActivityDeps, 'stores' | 'clock'>;
