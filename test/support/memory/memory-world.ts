import { Secret } from '../../../shared/domain/secret.ts';
import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { createJobControl } from '../../../functions/jobs/job-control.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { DEFAULT_KEY_ROLES, keyRolesSchema } from '../../../functions/security/key-roles.ts';
import { anAgent, anItem, aJob, aVm } from './builders.ts';
import {
  MemoryProcessServers,
  MemoryReplicas,
  MemorySnapshots,
  MemoryVirtualMachines,
} from './memory-azure.ts';
import { MemoryAccessKeys } from './memory-access-keys.ts';
import { MemoryClock, MemoryOrchestrator, MemoryQueues } from './memory-messaging.ts';
import { createMemoryStores, type MemoryStores } from './memory-store.ts';
import { goodAzureVm } from '../preflight/good-facts.ts';
import { MemoryWebhooks } from './memory-webhooks.ts';

export const REGISTRATION_TOKEN = 'the-registration-token';

/** Everything activities and HTTP functions touch, in memory. */
export interface MemoryWorld extends ActivityDeps, FunctionDeps {
  readonly stores: MemoryStores;
  readonly vms: MemoryVirtualMachines;
  readonly snapshots: MemorySnapshots;
  readonly replicas: MemoryReplicas;
  readonly processServers: MemoryProcessServers;
  readonly queues: MemoryQueues;
  readonly orchestrator: MemoryOrchestrator;
  readonly clock: MemoryClock;
  readonly webhooks: MemoryWebhooks;
}

/** Nothing is registered, nothing runs. */
export function emptyWorld(): MemoryWorld {
  const clock = new MemoryClock();
  let jobs = 99;
  let keys = 0;
  let events = 0;
  const deps = {
    clock,
    stores: createMemoryStores(),
    vms: new MemoryVirtualMachines(),
    snapshots: new MemorySnapshots(clock),
    replicas: new MemoryReplicas(clock),
    processServers: new MemoryProcessServers(),
    queues: new MemoryQueues(clock),
    orchestrator: new MemoryOrchestrator(),
    accessKeys: new MemoryAccessKeys(),
    access: {
      keyRoles: keyRolesSchema.parse(DEFAULT_KEY_ROLES),
      isSignInTrusted: false,
      localRole: null,
    },
    registrationToken: new Secret(REGISTRATION_TOKEN),
    // Sorts newest first, and before the jobs that the tests make.
    newJobId: (prefix: string) => `${prefix}-0${(jobs -= 1)}`,
    pause: async (milliseconds: number) => clock.advance(milliseconds),
    newEventKey: () => `e${String((events += 1)).padStart(4, '0')}`,
    newAgentKey: () => `agent-key-${(keys += 1)}`,
    webhooks: new MemoryWebhooks(),
    webhookSecretNames: ['dns'],
  };
  return { ...deps, jobControl: createJobControl(deps) };
}

/** One machine that runs in Azure, the agents of its site, and a failback that has just begun. */
export function aWorld(): MemoryWorld {
  const world = emptyWorld();
  world.stores.items.put(anItem({ activeJobId: 'fb-1' }));
  world.stores.jobs.put(aJob());
  world.stores.agents.put(anAgent());
  world.stores.agents.put(
    anAgent({ id: 'cs-cs1', kind: 'configurationServer', name: 'cs1', address: null }),
  );
  world.vms.vms.set('rg-dr/web-01-azure', {
    description: aVm(),
    facts: goodAzureVm(),
    power: 'running',
  });
  return world;
}

/** All that an operator or another program can see. A message that comes twice is one message. */
export function stateOf(world: MemoryWorld): unknown {
  const { stores, vms, snapshots, replicas, processServers, queues, orchestrator } = world;
  const messages = queues.messages.map(({ agentId, commandId }) => `${agentId} ${commandId}`);
  return structuredClone({
    items: stores.items.all(),
    jobs: stores.jobs.all(),
    agents: stores.agents.all(),
    commands: stores.commands.all(),
    recoveryPoints: stores.recoveryPoints.all(),
    preflights: stores.preflights.all(),
    plans: stores.plans.all(),
    planRuns: stores.planRuns.all(),
    replicationGroups: stores.replicationGroups.all(),
    webhooks: [...world.webhooks.done],
    vms: sorted(vms.vms),
    askedOfAzure: vms.asked,
    snapshots: sorted(snapshots.taken),
    openSnapshots: [...snapshots.openReads].toSorted(),
    replicas: sorted(replicas.replicas),
    processServers: sorted(processServers.deployed),
    messages: [...new Set(messages)].toSorted(),
    started: orchestrator.started,
  });
}

/** The order in which things were made does not count. */
function sorted<T>(map: ReadonlyMap<string, T>): readonly [string, T][] {
  return [...map].toSorted(([a], [b]) => a.localeCompare(b));
}
