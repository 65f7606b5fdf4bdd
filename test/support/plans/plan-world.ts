import { type Activities, createActivities } from '../../../activities/create-activities.ts';
import type { ActivityDeps } from '../../../activities/support/deps.ts';
import { durableOrchestrator } from '../../../functions/composition/durable-orchestrator.ts';
import { ORCHESTRATIONS } from '../../../functions/composition/orchestrations.ts';
import { createJobControl } from '../../../functions/jobs/job-control.ts';
import type { FunctionDeps } from '../../../functions/support/deps.ts';
import { commandEventName, type FailbackInput } from '../../../shared/contracts/orchestrations.ts';
import type { PlanRun } from '../../../shared/domain/plan-run.ts';
import type { FailurePolicy, PlanAction, PlanGroup } from '../../../shared/domain/recovery-plan.ts';
import type { ErrorRecord } from '../../../shared/errors/failback-error.ts';
import { failure, success } from '../../../shared/errors/result.ts';
import type { Orchestrator } from '../../../shared/ports/messaging.ts';
import { DurableHarness } from '../durable-harness.ts';
import { anAgent, anItem } from '../memory/builders.ts';
import { type Called, callRoute } from '../memory/call-route.ts';
import { emptyWorld, type MemoryWorld } from '../memory/memory-world.ts';
import { activityHandlers } from '../world/activity-handlers.ts';
import { durableClientOf } from '../world/durable-client.ts';
import { Timers } from '../world/timers.ts';
import { Machines } from './machines.ts';

const PLAN = 'plan';
const MACHINE_JOBS: readonly string[] = ['failback', 'rehearsal'];
const SCRIPT_MS = 5_000;

export type ActionSketch = Partial<PlanAction> & Pick<PlanAction, 'id' | 'kind'>;

export interface GroupSketch extends Partial<Omit<PlanGroup, 'preActions' | 'postActions'>> {
  readonly id: string;
  readonly preActions?: readonly ActionSketch[];
  readonly postActions?: readonly ActionSketch[];
}

/**
 * Recovery plans on the durable engine with a virtual clock, over the product's HTTP handlers and activities. The
 * machines' own orchestrations are stand-ins: their ways are tested elsewhere.
 */
export class PlanWorld {
  readonly host: DurableHarness;
  readonly timers: Timers;
  readonly machines: Machines;
  readonly memory: MemoryWorld;
  readonly scripts: { readonly commandId: string; readonly arguments: unknown }[] = [];
  /** What the next scripts report; afterwards they succeed. */
  readonly scriptFailures: ErrorRecord[] = [];
  readonly #deps: ActivityDeps & FunctionDeps;
  readonly #activities: Activities;
  #isIdle = true;
  #jobs = 0;
  #lastRun = '';

  constructor(itemIds: readonly string[]) {
    this.host = new DurableHarness({
      orchestrations: ORCHESTRATIONS,
      activities: activityHandlers(() => this.#activities),
      startAt: '2026-03-01T12:00:00Z',
    });
    this.timers = new Timers(this.host.clock);
    this.memory = emptyWorld();
    const { stores } = this.memory;
    this.machines = new Machines(stores, this.timers);
    for (const id of itemIds) stores.items.put(anItem({ id, name: id.toUpperCase() }));
    this.#deps = this.#createDeps();
    this.#activities = createActivities(this.#deps);
  }

  dispose(): void {
    this.host.dispose();
  }

  async call(name: string, params: Record<string, string> = {}, body?: unknown): Promise<Called> {
    const all = { id: PLAN, runId: this.#lastRun, ...params };
    const called = await callRoute(this.#deps, name, {
      params: all,
      ...(body === undefined ? {} : { body }),
    });
    await this.settle();
    return called;
  }

  /** Writes the plan over HTTP; throws when it is refused. */
  async plan(
    groups: readonly GroupSketch[],
    more: { onFailure?: FailurePolicy; maxParallel?: number; replicationGroups?: unknown } = {},
  ): Promise<void> {
    const named = groups.map((group) => ({
      name: group.id,
      itemIds: [group.id],
      ...group,
      ...actionsOf(group),
    }));
    const { status, json } = await this.call(
      'putRecoveryPlan',
      {},
      { name: 'Shop', groups: named, ...more },
    );
    if (status > 201) throw new Error(JSON.stringify(json));
  }

  /** Starts a run that fails over by itself, unless the options say otherwise. */
  async run(request: Record<string, unknown> = {}): Promise<string> {
    const options = { autoFailover: true };
    const { status, json } = await this.call(
      'runRecoveryPlan',
      {},
      { kind: 'failback', options, ...request },
    );
    if (status !== 202) throw new Error(JSON.stringify(json));
    this.#lastRun = (json as { id: string }).id;
    return this.#lastRun;
  }

  get record(): PlanRun {
    return this.memory.stores.planRuns.must(this.#lastRun);
  }

  get states(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      Object.values(this.record.machines).map(({ itemId, state }) => [itemId, state]),
    );
  }

  async settle(): Promise<void> {
    do {
      this.#isIdle = true;
      await this.host.settle();
    } while (!this.#isIdle);
  }

  async until(holds: () => boolean, limitMs = 6 * 3_600_000): Promise<void> {
    const limit = new Date(this.host.clock.now().getTime() + limitMs);
    const isOver = (): boolean => this.host.isCrashed || holds();
    await this.host.clock.advanceTo(limit, async () => this.settle(), isOver);
    if (isOver()) return;
    const { state, gate } = this.record;
    throw new Error(
      `not in time: ${state}, ${JSON.stringify(gate)}, ${JSON.stringify(this.states)}`,
    );
  }

  async untilGate(kind: string): Promise<void> {
    await this.until(() => this.record.gate?.kind === kind);
    await this.settle();
  }

  async untilEnd(): Promise<PlanRun> {
    await this.until(() => this.record.endedAt !== null);
    await this.settle();
    return this.record;
  }

  async advance(milliseconds: number): Promise<void> {
    const limit = new Date(this.host.clock.now().getTime() + milliseconds);
    await this.host.clock.advanceTo(
      limit,
      async () => this.settle(),
      () => this.host.isCrashed,
    );
  }

  #createDeps(): ActivityDeps & FunctionDeps {
    const { stores } = this.memory;
    const agent = anAgent({ id: 'cs-cs1', kind: 'configurationServer', name: 'cs1' });
    // Heard of just now, whenever somebody looks.
    stores.agents.list = async () => [{ ...agent, heartbeatAt: this.timers.now().toISOString() }];
    const deps = {
      ...this.memory,
      clock: this.timers,
      orchestrator: this.#orchestrator(),
      queues: {
        send: async (_agentId: string, commandId: string) => this.#runScript(commandId),
        grantReceive: async (id: string) => this.memory.queues.grantReceive(id),
      },
      newJobId: (prefix: string) => `${prefix}-${String((this.#jobs += 1)).padStart(4, '0')}`,
    };
    return { ...deps, jobControl: createJobControl(deps) };
  }

  /** Plans run on the engine, machines do not. */
  #orchestrator(): Orchestrator {
    const engine = durableOrchestrator(durableClientOf(() => this.host));
    return {
      start: async (name, instanceId, input) => {
        if (!MACHINE_JOBS.includes(name)) return engine.start(name, instanceId, input);
        return this.machines.start((input as FailbackInput).jobId);
      },
      isRunning: async (instanceId) =>
        this.machines.isRunning(instanceId) || engine.isRunning(instanceId),
      wake: async (instanceId, eventName) => {
        this.#isIdle = false;
        const job = this.memory.stores.jobs.all().find(({ id }) => instanceId.startsWith(`${id}-`));
        if (job === undefined) return engine.wake(instanceId, eventName);
        return this.machines.look(job.id);
      },
    };
  }

  #runScript(commandId: string): void {
    const { stores } = this.memory;
    this.timers.after(SCRIPT_MS, () => {
      const command = stores.commands.must(commandId);
      if (command.result !== null) return;
      const { arguments: given } = command.input as { arguments: unknown };
      this.scripts.push({ commandId, arguments: given });
      const error = this.scriptFailures.shift();
      const output = { durationMs: SCRIPT_MS, output: 'done' };
      const result = error === undefined ? success(output) : failure(error);
      stores.commands.put({ ...command, result });
      if (!this.host.isCrashed)
        this.host.raiseEvent(command.instanceId, commandEventName(commandId));
    });
  }
}

function actionsOf({ preActions = [], postActions = [] }: GroupSketch): object {
  return { preActions: preActions.map(actionOf), postActions: postActions.map(actionOf) };
}

function actionOf(sketch: ActionSketch): object {
  const base = { name: `The action ${sketch.id}`, ...sketch };
  switch (sketch.kind) {
    case 'webhook':
      return { url: 'https://hooks.example/dns', secretName: 'dns', ...base };
    case 'script':
      return {
        configurationServer: 'cs1',
        script: 'switch-dns.sh',
        arguments: { zone: 'shop' },
        ...base,
      };
    case 'manual':
      return { instructions: 'Switch the load balancer over', ...base };
  }
}
