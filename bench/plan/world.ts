import { setTimeout as delay } from 'node:timers/promises';
import type { ActivityDeps } from '../../activities/support/deps.ts';
import type { FunctionDeps } from '../../functions/support/deps.ts';
import type { Job } from '../../shared/domain/job.ts';
import type { ProtectedItem } from '../../shared/domain/protected-item.ts';
import type { PlanRun } from '../../shared/domain/plan-run.ts';
import type { RecoveryPlan } from '../../shared/domain/recovery-plan.ts';
import type { ReplicationGroupRecord } from '../../shared/domain/replication-group.ts';
import { Secret } from '../../shared/domain/secret.ts';
import type { RecoveryPointRecord } from '../../shared/ports/stores.ts';
import { AgentRegistry } from '../../test/support/world/agent-registry.ts';
import {
  aProtectedItem,
  CONFIGURATION_SERVER,
  MASTER_TARGET,
} from '../../test/support/world/fixtures.ts';
import { MemoryCommands, MemoryStore } from '../../test/support/world/memory-store.ts';
import { ProcessServers } from '../../test/support/world/process-servers.ts';
import { Machine, WallTimers } from './machine.ts';

/** Many machines, one site, everything around the product in memory. */
class BenchWorld {
  readonly timers = new WallTimers();
  readonly machines = new Map<string, Machine>();
  readonly jobs = new MemoryStore<Job>();
  readonly items = new MemoryStore<ProtectedItem>();
  readonly planRuns = new MemoryStore<PlanRun>();
  readonly #snapshots = new Map<string, Machine>();
  #jobCount = 0;
  /** Somebody carries commands out. */
  onCommand: (agentId: string, commandId: string) => void = () => undefined;
  readonly deps: Omit<ActivityDeps & FunctionDeps, 'orchestrator' | 'jobControl'>;

  constructor() {
    const registry = new AgentRegistry(this.timers);
    void registry.register(CONFIGURATION_SERVER, 'configurationServer', 'cs1');
    void registry.register(MASTER_TARGET, 'masterTarget', 'mt1');
    this.deps = {
      clock: this.timers,
      stores: {
        items: this.items,
        jobs: this.jobs,
        agents: registry,
        commands: new MemoryCommands(),
        recoveryPoints: new MemoryStore<RecoveryPointRecord>(),
        preflights: new MemoryStore(),
        plans: new MemoryStore<RecoveryPlan>(),
        planRuns: this.planRuns,
        idempotency: new MemoryStore(),
        events: new MemoryStore(),
        replicationGroups: new MemoryStore<ReplicationGroupRecord>(),
      },
      vms: {
        describe: async (group, vmName) => this.#byVm(vmName).vm.describe(group, vmName),
        gatherFacts: async (_group, vmName) => this.#byVm(vmName).vm.gatherFacts(),
        powerState: async (_group, vmName) => this.#byVm(vmName).vm.powerState(),
        attachedDisks: async (_group, vmName) => this.#byVm(vmName).vm.attachedDisks(),
        beginPowerChange: async (group, vmName, action) =>
          this.#byVm(vmName).vm.beginPowerChange(group, vmName, action),
        gatherNetwork: async (_group, vmName) => this.#byVm(vmName).vm.gatherNetwork(),
        virtualNetworkOf: async (_group, vmName) => this.#byVm(vmName).vm.virtualNetworkOf(),
        beginDelete: async (_group, vmName) => this.#byVm(vmName).vm.beginDelete(),
      },
      snapshots: this.#snapshotsPort(),
      replicas: this.#replicasPort(),
      processServers: new ProcessServers({
        timers: this.timers,
        onRegistered: (name) => void registry.register(`ps-${name}`, 'processServer', name),
        onRemoved: () => undefined,
      }),
      queues: {
        send: async (agentId, commandId) => this.onCommand(agentId, commandId),
        grantReceive: async () => ({ url: new Secret('queue'), expiresAt: new Date() }),
      },
      accessKeys: { nameOf: async () => 'bench' },
      access: {
        keyRoles: [{ pattern: 'bench', role: 'committer' }],
        isSignInTrusted: false,
        localRole: 'committer',
      },
      webhooks: { deliver: async () => ({ status: 200, detail: '' }) },
      webhookSecretNames: [],
      registrationToken: new Secret('token'),
      newJobId: (prefix) => {
        this.#jobCount += 1;
        return `${prefix}-${String(this.#jobCount).padStart(6, '0')}`;
      },
      newAgentKey: () => 'unused',
      pause: async (milliseconds) => delay(milliseconds),
      newEventKey: () => `e${(this.#jobCount += 1)}`,
    };
  }

  async add(id: string): Promise<void> {
    const target = { ...aProtectedItem().target, vmName: id };
    const item = aProtectedItem({ id, name: id, vmName: `${id}-azure`, target });
    this.machines.set(id, new Machine(item, this.timers));
    await this.items.create(item);
  }

  machine(id: string): Machine {
    const found = this.machines.get(id.replace(/^rehearsal-/, ''));
    if (found === undefined) throw new Error(`no machine ${id}`);
    return found;
  }

  #byVm(vmName: string): Machine {
    return this.machine(vmName.replace(/-azure$/, ''));
  }

  #snapshotsPort(): ActivityDeps['snapshots'] {
    return {
      take: async (request) => {
        const machine = this.machine(request.itemId);
        const taken = await machine.snapshots.take(request);
        for (const name of Object.values(taken.snapshots)) this.#snapshots.set(name, machine);
        return taken;
      },
      prune: async (request) => this.machine(request.itemId).snapshots.prune(request),
      grantRead: async (group, names) =>
        this.#snapshots.get(names.snapshot)?.snapshots.grantRead(group, names) ?? null,
      release: async (group, names) => {
        for (const name of names) await this.#snapshots.get(name)?.snapshots.release(group, [name]);
      },
    };
  }

  #replicasPort(): ActivityDeps['replicas'] {
    const of = (replicaName: string): Machine['replicas'] =>
      this.machine(replicaName.split('/', 1)[0] ?? '').replicas;
    return {
      beginSeed: async (request) => of(request.replicaName).beginSeed(request),
      seedState: async (name) => of(name).seedState(name),
      grantWrite: async (name) => of(name).grantWrite(name),
      seal: async (name, pointId) => of(name).seal(name, pointId),
    };
  }
}

/** The app that the host loads and the benchmark share it: one process, one world. */
export const WORLD = new BenchWorld();
