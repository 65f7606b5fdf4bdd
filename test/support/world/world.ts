import {
  type Activities,
  callActivity,
  createActivities,
} from '../../../activities/create-activities.ts';
import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { runActivity } from '../../../functions/composition/activity-runner.ts';
import { durableOrchestrator } from '../../../functions/composition/durable-orchestrator.ts';
import { ORCHESTRATIONS } from '../../../functions/composition/orchestrations.ts';
import { ask } from '../../../functions/jobs/ask.ts';
import { viewJob } from '../../../functions/jobs/job-view.ts';
import { takeUp } from '../../../functions/jobs/take-up.ts';
import { createJobControl } from '../../../functions/jobs/job-control.ts';
import { startJob } from '../../../functions/jobs/start-job.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import type { JobView } from '../../../shared/contracts/http-api.ts';
import { ACTIVITY_RETRY, type ActivityName } from '../../../shared/contracts/activities.ts';
import { type FailbackOptions, isTerminal, type Job } from '../../../shared/domain/job.ts';
import type { Intent, Phase } from '../../../shared/domain/phases.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import type { EventRecord } from '../../../shared/ports/stores.ts';
import type { AgentQueues } from '../../../shared/ports/messaging.ts';
import type { PreflightRecord } from '../../../shared/ports/stores.ts';
import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import type { RecoveryPlan } from '../../../shared/domain/recovery-plan.ts';
import type { ReplicationGroupRecord } from '../../../shared/domain/replication-group.ts';
import type { ErrorCode } from '../../../shared/errors/catalogue.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import { Secret } from '../../../shared/domain/secret.ts';
import type { CommandName } from '../../../shared/contracts/commands.ts';
import { DurableHarness } from '../durable-harness.ts';
import { AgentRegistry } from './agent-registry.ts';
import { Agents } from './agents.ts';
import { AzureReplicas, AzureSnapshots } from './azure-disks.ts';
import { AzureVm } from './azure-vm.ts';
import { dataPlaneEffects } from './data-commands.ts';
import { Faults } from './faults.ts';
import {
  aProtectedItem,
  AUTOMATIC,
  CONFIGURATION_SERVER,
  HOUR_MS,
  MANUAL,
  MASTER_TARGET,
} from './fixtures.ts';
import { Invariants } from './invariants.ts';
import { durableClientOf } from './durable-client.ts';
import { MemoryCommands, MemoryStore } from './memory-store.ts';
import { ProcessServers } from './process-servers.ts';
import { configurationServerEffects } from './site-commands.ts';
import { Site } from './site.ts';
import { Timers } from './timers.ts';

interface WorldOptions {
  /** False: the machine's original VM is gone, a new one is made. */
  readonly hasOriginalVm?: boolean;
  readonly startAt?: string;
}

/**
 * One protected machine with everything around it: Azure, a site, three agents, the durable host on a
 * virtual clock. Activities, orchestrations and the agents' HTTP functions are the product's own.
 */
export class World {
  readonly host: DurableHarness;
  readonly timers: Timers;
  readonly invariants = new Invariants();
  readonly faults = new Faults();
  readonly items: MemoryStore<ProtectedItem>;
  readonly jobs = new MemoryStore<Job>();
  readonly commands = new MemoryCommands(({ id, name, result }) => {
    if (result !== null) this.agents.ended(id, name);
  });
  readonly recoveryPoints = new MemoryStore<{ readonly id: string } & RecoveryPoint>();
  readonly preflights = new MemoryStore<PreflightRecord>();
  readonly events = new MemoryStore<EventRecord>();
  readonly replicationGroups = new MemoryStore<ReplicationGroupRecord>();
  readonly registry: AgentRegistry;
  readonly vm: AzureVm;
  readonly snapshots: AzureSnapshots;
  readonly replicas: AzureReplicas;
  readonly processServers: ProcessServers;
  readonly site: Site;
  readonly agents: Agents;
  /** Phases of the item in the order in which it entered them. */
  readonly phases: Phase[] = [];
  readonly #deps: ActivityDeps & FunctionDeps;
  readonly #activities: Activities;
  #jobCount = 0;
  #eventCount = 0;

  private constructor({ hasOriginalVm = true, startAt }: WorldOptions) {
    this.host = new DurableHarness({
      orchestrations: ORCHESTRATIONS,
      activities: this.#createHandlers(),
      ...(startAt === undefined ? {} : { startAt }),
    });
    const timers = new Timers(this.host.clock);
    const { invariants } = this;
    const item = aProtectedItem();
    this.timers = timers;
    this.registry = new AgentRegistry(timers);
    this.items = new MemoryStore<ProtectedItem>((value, previous) => this.#note(value, previous));
    this.vm = new AzureVm({ timers, invariants, item, onDelete: () => this.#noteDeletion() });
    this.snapshots = new AzureSnapshots(this.vm, timers);
    this.replicas = new AzureReplicas(this.vm, timers, this.snapshots);
    this.processServers = new ProcessServers({
      timers,
      onRegistered: (name) => this.#gainProcessServer(name),
      onRemoved: (name) => this.setAgentDown(`ps-${name}`, true),
    });
    this.site = new Site(timers, invariants, hasOriginalVm ? item.target.vmName : null);
    this.#deps = this.#createDeps();
    this.agents = new Agents({
      timers,
      deps: this.#deps,
      isHostUp: () => !this.host.isCrashed,
      effect: this.#createEffect(),
    });
    this.#activities = createActivities(this.#deps);
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    await world.items.create(aProtectedItem());
    await world.registry.register(CONFIGURATION_SERVER, 'configurationServer', 'cs1');
    await world.registry.register(MASTER_TARGET, 'masterTarget', 'mt1');
    return world;
  }

  get item(): ProtectedItem {
    const [item] = this.items.all();
    if (item === undefined) throw new Error('the item is gone');
    return item;
  }

  /** The newest job unless another is named. */
  job(id = this.jobs.all()[0]?.id): Job {
    const job = id === undefined ? null : this.jobs.peek(id);
    if (job === null) throw new Error(`no job ${String(id)}`);
    return job;
  }

  async view(id?: string): Promise<JobView> {
    return viewJob(this.#deps, this.job(id));
  }

  async start(options: Partial<FailbackOptions> = {}): Promise<Job> {
    return this.#startJob('failback', { ...MANUAL, ...options });
  }

  /** Starts a failback that waits for nobody. */
  async startAutomatic(options: Partial<FailbackOptions> = {}): Promise<Job> {
    return this.#startJob('failback', { ...AUTOMATIC, ...options });
  }

  async startRehearsal(options: Partial<FailbackOptions> = {}): Promise<Job> {
    return this.#startJob('rehearsal', { ...MANUAL, ...options });
  }

  /** A run of the rules by itself, as the HTTP function starts it. Returns its id. */
  async startPreflight(operation: PreflightRecord['operation'] = 'reprotect'): Promise<string> {
    const id = this.#deps.newJobId('pf');
    const run = { itemId: this.item.id, operation, placement: {} };
    const createdAt = this.timers.now().toISOString();
    await this.preflights.create({
      id,
      ...run,
      createdAt,
      endedAt: null,
      report: null,
      error: null,
    });
    await this.#deps.orchestrator.start('preflight', id, { preflightId: id, ...run });
    await this.settle();
    return id;
  }

  /** As an operator does it: the record, then the event. Throws what the HTTP function answers. */
  async ask(intent: Intent, recoveryPoint?: string): Promise<void> {
    const point = recoveryPoint === undefined ? {} : { recoveryPoint };
    await ask(this.#deps, this.job().id, { intent, ...point, caller: 'operator' });
    await this.settle();
  }

  /** As `POST /api/failbacks/{id}/resume` and `/restart` do it; the newest job unless another is named. */
  async takeUp(action: 'resume' | 'restart', id = this.job().id): Promise<void> {
    const caller = { name: 'operator', role: 'committer' } as const;
    await takeUp(this.#deps, id, { action, caller, check: () => undefined });
    await this.settle();
  }

  /**
   * The same in the middle of what the product does: right after that many more calls to its ports.
   * `answer` stays `null` until then.
   */
  askAfterCalls(intent: Intent, calls: number): { answer: 'accepted' | ErrorCode | null } {
    const asked: { answer: 'accepted' | ErrorCode | null } = { answer: null };
    this.faults.afterCalls(calls, async () => {
      try {
        await ask(this.#deps, this.job().id, { intent, caller: 'operator' });
        asked.answer = 'accepted';
      } catch (error) {
        if (!(error instanceof FailbackError)) throw error;
        asked.answer = error.code;
      }
    });
    return asked;
  }

  /** Runs everything that can run without time passing. */
  async settle(): Promise<void> {
    do {
      await this.agents.idle();
      await this.host.settle();
    } while (!this.agents.isIdle);
  }

  /** Lets time pass, timer by timer, until it holds. Throws when it does not within `limitMs`. */
  async until(holds: () => boolean, limitMs = 6 * HOUR_MS): Promise<void> {
    if (await this.#passes(holds, limitMs)) return;
    const { state, phase, error } = this.job();
    throw new Error(`not within ${limitMs} ms: the job is ${state} in ${phase}, ${error?.message}`);
  }

  /** As `until`, where there need not be a job. */
  async untilHolds(holds: () => boolean, limitMs: number): Promise<void> {
    if (!(await this.#passes(holds, limitMs))) throw new Error(`not within ${limitMs} ms`);
  }

  async #passes(holds: () => boolean, limitMs: number): Promise<boolean> {
    const limit = new Date(this.host.clock.now().getTime() + limitMs);
    const isOver = (): boolean => this.host.isCrashed || holds();
    await this.host.clock.advanceTo(limit, async () => this.settle(), isOver);
    return isOver();
  }

  async advance(milliseconds: number): Promise<void> {
    const limit = new Date(this.host.clock.now().getTime() + milliseconds);
    const isOver = (): boolean => this.host.isCrashed;
    await this.host.clock.advanceTo(limit, async () => this.settle(), isOver);
  }

  async untilPhase(phase: Phase, limitMs?: number): Promise<void> {
    await this.until(() => this.item.phase === phase, limitMs);
  }

  /** The end of the newest job, and everything that it still has going on then. */
  async untilEnd(limitMs?: number): Promise<Job> {
    await this.until(() => isTerminal(this.job().state), limitMs);
    await this.settle();
    return this.job();
  }

  /** The gate that waits for a person, reached and waiting. */
  async untilWaiting(phase: Phase): Promise<void> {
    await this.until(() => this.item.phase === phase && this.job().state === 'waitingForOperator');
    await this.settle();
  }

  /** An agent and its machine are gone: no heartbeat, no commands taken. */
  setAgentDown(agentId: string, isDown: boolean): void {
    this.registry.setSilent(agentId, isDown);
    this.agents.setDown(agentId, isDown);
  }

  /** Somebody ends every orchestration of the job with the durable management API. */
  terminateEverything(): void {
    for (const { instanceId } of this.host.management.list(() => true)) {
      this.host.management.terminate(instanceId, 'from outside');
    }
  }

  /** What the machine at home and the VM in Azure are, in one comparable value. */
  get machines(): { readonly azure: string; readonly home: 'on' | 'off' | 'none' } {
    const home = this.site.findByName(this.item.target.vmName);
    const power = home === null ? 'none' : home.writes.isRunning ? 'on' : 'off';
    return { azure: this.vm.state, home: power };
  }

  /** Fails the test when something happened that must never happen, then takes everything down. */
  dispose(): void {
    this.host.dispose();
    const [defect] = this.agents.defects;
    if (defect !== undefined) throw new Error('an agent stand-in broke', { cause: defect });
    const { names } = this.snapshots;
    this.invariants.leftoverSnapshots(names, this.#owned());
    this.invariants.leftoverReads(this.snapshots.openReads, this.#isAnythingRunning ? names : []);
    const { violations } = this.invariants;
    if (violations.length > 0) throw new Error(`Never must: ${violations.join('; ')}`);
  }

  /** While a job runs its snapshots are its own; afterwards only the base is owned. */
  #owned(): readonly string[] {
    return this.#isAnythingRunning ? this.snapshots.names : Object.values(this.item.base);
  }

  get #isAnythingRunning(): boolean {
    return this.jobs.all().some(({ state }) => !isTerminal(state));
  }

  async #startJob(operation: Job['operation'], options: FailbackOptions): Promise<Job> {
    const request = { protectedItemId: this.item.id, options, caller: 'operator' };
    const job = await startJob(this.#deps, operation, request);
    await this.settle();
    return job;
  }

  #note({ phase }: ProtectedItem, previous: ProtectedItem | null): void {
    if (previous === null || previous.phase === phase) return;
    this.invariants.phase(previous.phase, phase);
    this.phases.push(phase);
  }

  #noteDeletion(): void {
    const replication = this.site.replications.get(this.item.id);
    const { sealed = null, isVerified = false } = replication ?? {};
    const proved = isVerified ? (sealed?.source ?? null) : null;
    this.invariants.deletion(this.item.phase, this.#wantedContent(), proved);
  }

  /** What the machine at home has to hold: everything, unless somebody chose an older point. */
  #wantedContent(): number {
    const isDecided = ({ report, failoverTo }: Job): boolean =>
      report.recoveryPointId !== undefined && failoverTo !== undefined;
    const decided = this.jobs.all().find(isDecided);
    const { failoverTo = 'latest' } = decided ?? {};
    if (failoverTo === 'latest') return this.vm.writes.content;
    if (failoverTo === 'latestProcessed') return this.snapshots.points.at(-1)?.content ?? 0;
    const chosen = this.snapshots.points.findLast(({ pointId, got }) =>
      failoverTo === 'latestApplicationConsistent'
        ? got === 'applicationConsistent'
        : pointId === failoverTo,
    );
    return chosen?.content ?? this.vm.writes.content;
  }

  #gainProcessServer(name: string): void {
    const agentId = `ps-${name}`;
    this.setAgentDown(agentId, false);
    void this.registry.register(agentId, 'processServer', name);
  }

  #createEffect(): (name: CommandName, input: unknown) => unknown {
    const { site, timers, snapshots, replicas } = this;
    const effects: Partial<Record<CommandName, (input: never) => unknown>> = {
      ...configurationServerEffects(site, timers),
      ...dataPlaneEffects({ site, snapshots, replicas, timers }),
    };
    return (name, input) => {
      const effect = effects[name];
      if (effect === undefined) throw new Error(`no agent here knows ${name}`);
      // The product's own schema has checked the input when it was sent.
      return effect(input as never);
    };
  }

  #createHandlers(): Record<string, (input: unknown) => unknown> {
    const names = Object.keys(ACTIVITY_RETRY) as ActivityName[];
    const handlerOf = (name: ActivityName) => async (input: unknown) =>
      runActivity(async () => callActivity(this.#activities, name, input));
    return Object.fromEntries(names.map((name) => [name, handlerOf(name)]));
  }

  #createDeps(): ActivityDeps & FunctionDeps {
    const { faults } = this;
    const deps: Omit<ActivityDeps & FunctionDeps, 'jobControl'> = {
      clock: this.timers,
      stores: {
        items: faults.wrap('items', this.items),
        jobs: faults.wrap('jobs', this.jobs),
        agents: faults.wrap('agents', this.registry),
        commands: faults.wrap('commands', this.commands),
        recoveryPoints: faults.wrap('recoveryPoints', this.recoveryPoints),
        preflights: faults.wrap('preflights', this.preflights),
        idempotency: new MemoryStore(),
        events: faults.wrap('events', this.events),
        plans: new MemoryStore<RecoveryPlan>(),
        planRuns: new MemoryStore<PlanRun>(),
        replicationGroups: faults.wrap('replicationGroups', this.replicationGroups),
      },
      vms: faults.wrap('vms', this.vm),
      snapshots: faults.wrap('snapshots', this.snapshots),
      replicas: faults.wrap('replicas', this.replicas),
      processServers: faults.wrap('processServers', this.processServers),
      queues: faults.wrap<AgentQueues>('queues', {
        send: async (agentId, commandId) => this.agents.deliver(agentId, commandId),
        grantReceive: async () => ({ url: new Secret('queue'), expiresAt: this.timers.now() }),
      }),
      orchestrator: durableOrchestrator(durableClientOf(() => this.host)),
      accessKeys: { nameOf: async () => null },
      access: { keyRoles: [], isSignInTrusted: false, localRole: null },
      registrationToken: new Secret('token'),
      newJobId: (prefix: string) => {
        this.#jobCount += 1;
        return `${prefix}-${9999 - this.#jobCount}`;
      },
      newAgentKey: () => 'unused',
      pause: async (milliseconds) => this.advance(milliseconds),
      newEventKey: () => {
        this.#eventCount += 1;
        return `e${this.#eventCount}`;
      },
      webhookSecretNames: [],
      webhooks: { deliver: async () => ({ status: 200, detail: '' }) },
    };
    return { ...deps, jobControl: createJobControl(deps) };
  }
}

type RecoveryPoint = Awaited<ReturnType<ActivityDeps['stores']['recoveryPoints']['list']>>[number];
