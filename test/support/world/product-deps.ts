import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { durableOrchestrator } from '../../../functions/composition/durable-orchestrator.ts';
import { createJobControl } from '../../../functions/jobs/job-control.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import type { RecoveryPlan } from '../../../shared/domain/recovery-plan.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { AgentQueues } from '../../../shared/ports/messaging.ts';
import type { Stores } from '../../../shared/ports/stores.ts';
import type { DurableHarness } from '../durable-harness.ts';
import { durableClientOf } from './durable-client.ts';
import type { Faults } from './faults.ts';
import { MemoryStore } from './memory-store.ts';
import type { Timers } from './timers.ts';

interface ProductParts {
  readonly host: DurableHarness;
  readonly timers: Timers;
  /** In front of all the stores and ports that are given here. */
  readonly faults: Faults;
  readonly stores: Omit<Stores, 'idempotency' | 'plans' | 'planRuns'>;
  readonly ports: Pick<ActivityDeps, 'vms' | 'snapshots' | 'replicas' | 'processServers'>;
  /** Puts the message of a command into the queue of its agent. */
  readonly deliver: AgentQueues['send'];
  /** Lets time of the virtual clock pass. */
  readonly pause: FunctionDeps['pause'];
}

/** What the product's activities and functions are given in a world of one machine. */
export function createProductDeps(parts: ProductParts): ActivityDeps & FunctionDeps {
  const { host, timers, faults, stores, ports, deliver, pause } = parts;
  let jobCount = 0;
  let eventCount = 0;
  const deps: Omit<ActivityDeps & FunctionDeps, 'jobControl'> = {
    clock: timers,
    stores: {
      ...faults.wrapAll(stores),
      idempotency: new MemoryStore(),
      plans: new MemoryStore<RecoveryPlan>(),
      planRuns: new MemoryStore<PlanRun>(),
    },
    ...faults.wrapAll(ports),
    queues: faults.wrap<AgentQueues>('queues', {
      send: deliver,
      grantReceive: async () => ({ url: new Secret('queue'), expiresAt: timers.now() }),
    }),
    orchestrator: durableOrchestrator(durableClientOf(() => host)),
    accessKeys: { nameOf: async () => null },
    access: { keyRoles: [], isSignInTrusted: false, localRole: null },
    registrationToken: new Secret('token'),
    newJobId: (prefix) => {
      jobCount += 1;
      return `${prefix}-${9999 - jobCount}`;
    },
    newAgentKey: () => 'unused',
    pause,
    newEventKey: () => {
      eventCount += 1;
      return `e${eventCount}`;
    },
    webhookSecretNames: [],
    webhooks: { deliver: async () => ({ status: 200, detail: '' }) },
  };
  return { ...deps, jobControl: createJobControl(deps) };
}
