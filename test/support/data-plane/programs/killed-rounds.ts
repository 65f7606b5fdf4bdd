import { must } from '../../must.ts';
import type { LabStorage } from '../lab-disk.ts';
import type { LabSite } from '../lab-site.ts';
import type { Random } from '../random.ts';
import { DISK_IDS, KilledMachine, type Repair } from './killed-machine.ts';
import type { Killer, Work } from './killer.ts';

/** Then the next VM comes: a first replication again, and memory for its snapshots. */
const ROUNDS = 10;
const AFTER_THE_FIRST = [
  'send',
  'seal',
  'rewind',
  'verify',
  'sendRepair',
  'sealRepair',
] as const satisfies readonly Work[];
/** As many as the programs keep. */
const MAX_POINTS = 3;

export interface KilledWork {
  readonly storage: LabStorage;
  readonly site: LabSite;
  readonly random: Random;
  readonly killer: Killer;
}

/** Brings VMs home, one after the other, until everybody was killed as often as is wanted. */
export async function untilAllAreKilled(work: KilledWork): Promise<void> {
  while (work.killer.isAfter()) {
    const machine = await KilledMachine.create(work.storage, work.site);
    try {
      const rounds = new Rounds(work, machine);
      await rounds.begin();
      for (let round = 0; round < ROUNDS && work.killer.isAfter(...AFTER_THE_FIRST); round += 1) {
        await rounds.next();
      }
    } finally {
      await machine.killAll();
    }
  }
}

/** What is done with one VM, and where it may stand meanwhile. */
class Rounds {
  readonly #random: Random;
  readonly #killer: Killer;
  readonly #machine: KilledMachine;
  /** That can be gone back to, oldest first. */
  #points: readonly string[] = [];
  #count = 0;

  constructor({ random, killer }: KilledWork, machine: KilledMachine) {
    this.#random = random;
    this.#killer = killer;
    this.#machine = machine;
  }

  async begin(): Promise<void> {
    await this.#machine.sources.os.change(this.#random, 10);
    await this.#machine.sources.data.change(this.#random, 4);
    await this.#machine.openTarget();
    await this.#deliver();
  }

  /** A delta, and one of the other things that somebody is still to be killed in. */
  async next(): Promise<void> {
    for (const diskId of DISK_IDS) {
      await this.#machine.sources[diskId].change(this.#random, 1 + this.#random.below(4));
    }
    await this.#deliver();
    const others: readonly (readonly [readonly Work[], () => Promise<void>])[] = [
      [['verify'], async () => this.#expectVerified()],
      [['sendRepair', 'sealRepair'], async () => this.#repair()],
      [['rewind'], async () => this.#goBack()],
    ];
    const wanted = others.filter(([works]) => this.#killer.isAfter(...works));
    const [, act] = wanted[this.#random.below(Math.max(1, wanted.length))] ?? [];
    await act?.();
    await this.#expectVerified();
  }

  get #newest(): string | null {
    return this.#points.at(-1) ?? null;
  }

  async #deliver(): Promise<void> {
    const machine = this.#machine;
    const before = this.#newest;
    const pointId = this.#nextPoint();
    const snapshots = await machine.snapshot(pointId);
    const base = before === null ? undefined : machine.snapshotsOf(before);
    await this.#killer.during(machine, {
      work: before === null ? 'first' : 'send',
      allowed: [before],
      run: async () => machine.send({ pointId, snapshots, base }),
    });
    await this.#seal('seal', pointId);
  }

  async #seal(work: Work, pointId: string, repair?: Repair): Promise<void> {
    const retained = await this.#killer.during(this.#machine, {
      work,
      allowed: [this.#newest, pointId],
      run: async () => this.#machine.seal(pointId, repair),
    });
    this.#points = [...this.#points, pointId].slice(-MAX_POINTS);
    if (retained.join() !== this.#points.join()) {
      throw new Error(`retained: ${retained.join(' ')}, and not ${this.#points.join(' ')}`);
    }
    this.#expectAt(pointId);
  }

  async #goBack(): Promise<void> {
    const machine = this.#machine;
    if (this.#points.length < 2) return;
    const index = this.#random.below(this.#points.length - 1);
    const wanted = must(this.#points[index], 'a point');
    await this.#killer.during(machine, {
      work: 'rewind',
      allowed: [this.#newest, wanted],
      run: async () => machine.rewind(wanted),
    });
    this.#points = this.#points.slice(0, index + 1);
    this.#expectAt(wanted);
  }

  /** Blocks that went bad on the disks are found, sent again, and sealed as a point of the same instant. */
  async #repair(): Promise<void> {
    const machine = this.#machine;
    const damaged = must(this.#newest ?? undefined, 'a point');
    const hit = machine.damage(this.#random, damaged);
    const found = await machine.mismatches(damaged);
    const repair: Repair = new Map(
      hit.map((diskId) => {
        const ofDisk = found.filter((each) => each.diskId === diskId);
        return [diskId, ofDisk.map(({ offset, length }) => ({ offset, length }))];
      }),
    );
    const isFound = [...repair.values()].every((ranges) => ranges.length > 0);
    if (!isFound) throw new Error(`damage of ${hit.join(' and ')} was not found`);
    const pointId = this.#nextPoint();
    machine.standsForTheSame(pointId, damaged);
    const snapshots = machine.snapshotsOf(damaged);
    await this.#killer.during(machine, {
      work: 'sendRepair',
      allowed: [damaged],
      run: async () => machine.send({ pointId, snapshots, repair }),
    });
    await this.#seal('sealRepair', pointId, repair);
    machine.forgetDamage();
  }

  async #expectVerified(): Promise<void> {
    const pointId = must(this.#newest ?? undefined, 'a point');
    const mismatches = await this.#killer.during(this.#machine, {
      work: 'verify',
      allowed: [pointId],
      run: async () => this.#machine.mismatches(pointId),
    });
    if (mismatches.length > 0) {
      throw new Error(`${pointId} has ${mismatches.length} blocks that differ`);
    }
  }

  #expectAt(pointId: string): void {
    const unequal = this.#machine.unequalAt(pointId);
    if (unequal.length > 0) throw new Error(`${unequal.join(' and ')} not at ${pointId}`);
  }

  #nextPoint(): string {
    this.#count += 1;
    return `point-${this.#count}`;
  }
}
