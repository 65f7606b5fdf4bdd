import { type Activities, createActivities } from '../../../activities/create-activities.ts';
import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { ORCHESTRATIONS } from '../../../functions/composition/orchestrations.ts';
import { ask } from '../../../functions/jobs/ask.ts';
import { viewJob } from '../../../functions/jobs/job-view.ts';
import { viewItem } from '../../../functions/views/item-view.ts';
import { takeUp } from '../../../functions/jobs/take-up.ts';
import { startJob } from '../../../functions/jobs/start-job.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import type { JobView, ProtectedItemView } from '../../../shared/contracts/http-api.ts';
import { type FailbackOptions, isTerminal, type Job } from '../../../shared/domain/job.ts';
import type { Intent, Phase } from '../../../shared/domain/phases.ts';
import type { ProtectedItem } from '../../../shared/domain/protected-item.ts';
import type { ReplicationGroupRecord } from '../../../shared/domain/replication-group.ts';
import type { ErrorCode } from '../../../shared/errors/catalogue.ts';
import { FailbackError } from '../../../shared/errors/failback-error.ts';
import type {
  EventRecord,
  PreflightRecord,
  RecoveryPointRecord,
} from '../../../shared/ports/stores.ts';
import { DurableHarness } from '../durable-harness.ts';
import { activityHandlers } from './activity-handlers.ts';
import { agentEffects } from './agent-effects.ts';
import { AgentRegistry } from './agent-registry.ts';
import { Agents } from './agents.ts';
import { AzureReplicas, AzureSnapshots } from './azure-disks.ts';
import { AzureVm } from './azure-vm.ts';
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
import { MemoryCommands, MemoryStore } from './memory-store.ts';
import { ProcessServers } from './process-servers.ts';
import { createProductDeps } from './product-deps.ts';
import { Site } from './site.ts';
import { Timers } from './timers.ts';
import { wantedContent } from './wanted-content.ts';

type Terms = Pick<Parameters<typeof ask>[2], 'acceptUnreachableSource' | 'maxDataLossMinutes'>;

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
  readonly recoveryPoints = new MemoryStore<RecoveryPointRecord>();
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
  /** What the product was given: for tests that call a function of its own. */
  readonly deps: ActivityDeps & FunctionDeps;
  readonly #activities: Activities;

  private constructor({ hasOriginalVm = true, startAt }: WorldOptions) {
    this.host = new DurableHarness({
      orchestrations: ORCHESTRATIONS,
      activities: activityHandlers(() => this.#activities),
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
    this.replicas = new AzureReplicas(timers, this.snapshots);
    this.processServers = new ProcessServers({
      timers,
      onRegistered: (name) => this.#gainProcessServer(name),
      onRemoved: (name) => this.setAgentDown(`ps-${name}`, true),
    });
    this.site = new Site(timers, invariants, hasOriginalVm ? item.target.vmName : null);
    this.deps = this.#createDeps();
    this.agents = new Agents({
      timers,
      deps: this.deps,
      isHostUp: () => !this.host.isCrashed,
      effect: agentEffects(this),
    });
    this.#activities = createActivities(this.deps);
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
    return viewJob(this.deps, this.job(id));
  }

  async viewItem(): Promise<ProtectedItemView> {
    return viewItem(this.deps, this.item);
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
    const id = this.deps.newJobId('pf');
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
    await this.deps.orchestrator.start('preflight', id, { preflightId: id, ...run });
    await this.settle();
    return id;
  }

  /** As an operator does it: the record, then the event. Throws what the HTTP function answers. */
  async ask(intent: Intent, recoveryPoint?: string, terms: Terms = {}): Promise<void> {
    const point = recoveryPoint === undefined ? {} : { recoveryPoint };
    await ask(this.deps, this.job().id, { intent, ...point, ...terms, caller: 'operator' });
    await this.settle();
  }

  /** As `POST /api/failbacks/{id}/resume` and `/restart` do it; the newest job unless another is named. */
  async takeUp(action: 'resume' | 'restart', id = this.job().id): Promise<void> {
    const caller = { name: 'operator', role: 'committer' } as const;
    await takeUp(this.deps, id, { action, caller, check: () => undefined });
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
        await ask(this.deps, this.job().id, { intent, caller: 'operator' });
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

  /** Its own: all while a job runs or a way back is not through, then the base only. Letting go deletes none. */
  #owned(): readonly string[] {
    const [item] = this.items.all();
    const isAll = this.#isAnythingRunning || item === undefined || item.phase === 'rollingBack';
    return isAll ? this.snapshots.names : Object.values(item.base);
  }

  get #isAnythingRunning(): boolean {
    return this.jobs.all().some(({ state }) => !isTerminal(state));
  }

  async #startJob(operation: Job['operation'], options: FailbackOptions): Promise<Job> {
    const request = { protectedItemId: this.item.id, options, caller: 'operator' };
    const job = await startJob(this.deps, operation, request);
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
    const wanted = wantedContent({ jobs: this.jobs.all(), vm: this.vm, snapshots: this.snapshots });
    this.invariants.deletion(this.item.phase, wanted, proved);
  }

  #gainProcessServer(name: string): void {
    const agentId = `ps-${name}`;
    this.setAgentDown(agentId, false);
    void this.registry.register(agentId, 'processServer', name);
  }

  #createDeps(): ActivityDeps & FunctionDeps {
    const { host, timers, faults, items, jobs, registry, commands, recoveryPoints } = this;
    const { preflights, events, replicationGroups, vm, snapshots, replicas, processServers } = this;
    return createProductDeps({
      host,
      timers,
      faults,
      stores: {
        items,
        jobs,
        agents: registry,
        commands,
        recoveryPoints,
        preflights,
        events,
        replicationGroups,
      },
      ports: { vms: vm, snapshots, replicas, processServers },
      deliver: async (agentId, commandId) => this.agents.deliver(agentId, commandId),
      pause: async (milliseconds) => this.advance(milliseconds),
    });
  }
}
