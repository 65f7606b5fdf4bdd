import type { Job } from '../../../shared/domain/job.ts';
import type { Intent, Phase } from '../../../shared/domain/phases.ts';
import type { ProtectedItem, RecoveryPoint } from '../../../shared/domain/protected-item.ts';
import { errorRecord } from '../../../shared/errors/failback-error.ts';
import type { MemoryStores } from '../memory/memory-store.ts';
import type { Timers } from '../world/timers.ts';

const STEP_MS = 20_000;

/** The way of a failback between two gates; the last phase of a leg is where it waits, or ends. */
const LEGS: Readonly<
  Record<'start' | 'failover' | 'commit' | 'cancel' | 'rehearse', readonly Phase[]>
> = {
  start: ['preparing', 'initialReplication', 'replicating'],
  failover: ['shuttingDownSource', 'finalDelta', 'booting', 'commitPending'],
  commit: ['committing', 'waitingForAgent', 'reverseReplicating', 'protected'],
  cancel: ['rollingBack', 'failedOver'],
  rehearse: ['preparing', 'initialReplication', 'booting'],
};

type Leg = keyof typeof LEGS;

/**
 * Stand-ins for the machines' own orchestrations: they follow the orders in their jobs' records as the real ones
 * do, as far as a recovery plan can see.
 */
export class Machines {
  readonly #stores: MemoryStores;
  readonly #timers: Timers;
  /** A machine fails when it would enter the phase. */
  readonly failing = new Map<string, Phase>();
  /** A machine whose next failover is put back right before its shutdown. */
  readonly heldBack = new Set<string>();
  /** A machine that takes longer for every step. */
  readonly slow = new Map<string, number>();
  /** Every leg that a machine has begun, in order. */
  readonly begun: string[] = [];
  readonly #legs = new Set<string>();
  /** Machines whose leg is under way, and the most of each kind that were at the same time. */
  readonly #underWay = new Map<Leg, Set<string>>();
  readonly most = new Map<Leg, number>();
  /** Points that a machine has once it replicates. */
  pointsOf: (itemId: string) => readonly RecoveryPoint[] = (itemId) => [
    {
      pointId: `${itemId}-p0`,
      takenAt: this.#timers.now().toISOString(),
      consistency: 'crashConsistent',
    },
  ];

  constructor(stores: MemoryStores, timers: Timers) {
    this.#stores = stores;
    this.#timers = timers;
  }

  isRunning(instanceId: string): boolean {
    return this.#stores.jobs
      .all()
      .some(
        (job) =>
          job.instanceId === instanceId &&
          job.endedAt === null &&
          this.#legs.has(`start ${job.id}`),
      );
  }

  start(jobId: string): void {
    if (this.#legs.has(`start ${jobId}`)) return;
    this.#legs.add(`start ${jobId}`);
    const { operation, phase } = this.#stores.jobs.must(jobId);
    // Taken up where an earlier job left it.
    if (phase === 'commitPending') return;
    this.#go(jobId, operation === 'failback' ? 'start' : 'rehearse');
  }

  /** Looks for orders in the record, as the real gates do when they are woken. */
  look(jobId: string): void {
    const job = this.#stores.jobs.must(jobId);
    const { intents, phase } = job;
    const isAt = (intent: Intent, at: Phase): boolean =>
      intents[intent] !== undefined && phase === at;
    if (job.endedAt !== null) return;
    if (intents.cancel !== undefined && !LEGS.commit.includes(phase)) this.#once(jobId, 'cancel');
    else if (isAt('failover', 'replicating')) this.#failOver(job);
    else if (isAt('commit', 'commitPending')) this.#once(jobId, 'commit');
  }

  /** A machine that holds at its gate goes back to Azure by itself. */
  breakDown(itemId: string): void {
    const held = this.#stores.jobs.all().find((job) => job.itemId === itemId);
    if (held === undefined) throw new Error(`${itemId} has no job`);
    this.#enter(held, 'rollingBack');
    this.#timers.after(STEP_MS, () => this.#fail(this.#stores.jobs.must(held.id), 'start'));
  }

  #failOver(job: Job): void {
    if (!this.heldBack.delete(job.itemId)) return this.#once(job.id, 'failover');
    const { failover: _wish, ...intents } = job.intents;
    this.begun.push(`hold back ${job.itemId}`);
    this.#stores.jobs.put({ ...job, intents });
  }

  #once(jobId: string, leg: Leg): void {
    if (this.#legs.has(`${leg} ${jobId}`)) return;
    this.#legs.add(`${leg} ${jobId}`);
    this.#go(jobId, leg);
  }

  #go(jobId: string, leg: Leg): void {
    const { itemId } = this.#stores.jobs.must(jobId);
    this.begun.push(`${leg} ${itemId}`);
    const underWay = this.#underWay.get(leg) ?? new Set<string>();
    this.#underWay.set(leg, underWay.add(itemId));
    this.most.set(leg, Math.max(this.most.get(leg) ?? 0, underWay.size));
    this.#step(jobId, leg, 0);
  }

  #step(jobId: string, leg: Leg, index: number): void {
    const { itemId } = this.#stores.jobs.must(jobId);
    this.#timers.after(this.slow.get(itemId) ?? STEP_MS, () => {
      const job = this.#stores.jobs.must(jobId);
      const isOvertaken = leg !== 'cancel' && this.#legs.has(`cancel ${jobId}`);
      if (job.endedAt !== null || isOvertaken) return this.#leave(leg, itemId);
      const phase = LEGS[leg][index];
      if (phase === undefined) return this.#leave(leg, itemId);
      if (this.failing.get(itemId) === phase) return this.#fail(job, leg);
      this.#enter(job, phase);
      if (index < LEGS[leg].length - 1) return this.#step(jobId, leg, index + 1);
      this.#leave(leg, itemId);
      this.#arrive(jobId, leg);
    });
  }

  #arrive(jobId: string, leg: Leg): void {
    if (leg === 'commit' || leg === 'rehearse') this.#end(jobId, 'succeeded');
    else if (leg === 'cancel') this.#end(jobId, 'cancelled');
    else this.look(jobId);
  }

  #leave(leg: Leg, itemId: string): void {
    this.#underWay.get(leg)?.delete(itemId);
  }

  #enter(job: Job, phase: Phase): void {
    const now = this.#timers.now().toISOString();
    const item = this.#stores.items.must(job.itemId);
    const report = phase === 'commitPending' ? this.#reportOf(job, now) : job.report;
    const isWaiting = phase === 'replicating' || phase === 'commitPending';
    this.#stores.jobs.put({
      ...job,
      phase,
      report,
      state: isWaiting ? 'waitingForOperator' : 'running',
    });
    if (job.operation === 'rehearsal') return;
    this.#stores.items.put({ ...item, phase, ...this.#pointsIn(phase, job.itemId) });
  }

  #pointsIn(phase: Phase, itemId: string): Partial<ProtectedItem> {
    if (phase === 'replicating') return { recoveryPoints: this.pointsOf(itemId) };
    return phase === 'failedOver' ? { recoveryPoints: [] } : {};
  }

  #reportOf(job: Job, now: string): Job['report'] {
    return {
      ...job.report,
      bootedAt: now,
      downtimeSeconds: 80,
      dataLossSeconds: job.failoverTo === undefined || job.failoverTo === 'latest' ? 0 : 30,
      recoveryPointId: job.failoverTo ?? 'latest',
      proof: {
        pointId: `${job.itemId}-p9`,
        blocksCompared: 10,
        bytesCompared: 10,
        comparedShare: 1,
        mismatches: 0,
        repairedBlocks: 0,
      },
    };
  }

  /** As the real ones: before the point of no return they go back to Azure by themselves. */
  #fail(job: Job, leg: Leg): void {
    this.#leave(leg, job.itemId);
    const isBack = leg !== 'commit' && leg !== 'cancel';
    if (isBack && job.operation === 'failback') this.#enter(job, 'failedOver');
    this.#end(job.id, 'failed');
  }

  #end(jobId: string, state: 'succeeded' | 'failed' | 'cancelled'): void {
    const job = this.#stores.jobs.must(jobId);
    const error =
      state === 'failed' ? errorRecord('FB-ORC-004', { name: job.itemId, minutes: 25 }) : null;
    this.#stores.jobs.put({ ...job, state, error, endedAt: this.#timers.now().toISOString() });
    this.#stores.items.put({ ...this.#stores.items.must(job.itemId), activeJobId: null });
  }
}
