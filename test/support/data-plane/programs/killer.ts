import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { KilledMachine, Victim } from './killed-machine.ts';

/** What goes on when a program is killed. */
export type Work = 'first' | 'send' | 'seal' | 'rewind' | 'verify' | 'sendRepair' | 'sealRepair';

/** How many kills are to fall into which work. */
type Wanted = Readonly<Partial<Record<Work, number>>>;

interface Pursuit {
  readonly victim: Victim;
  readonly wanted: Wanted;
}

interface Doing<T> {
  readonly work: Work;
  /** Sealed points that the disks may stand at from now on; `null` = none yet. */
  readonly allowed: readonly (string | null)[];
  readonly run: () => Promise<T>;
}

/** Until one is known. */
const FIRST_GUESS_MS = 100;

/**
 * Kills programs at random moments of a work, as often as is wanted in it. Whoever was killed is started again, and
 * after each recovery both disks together are at one sealed point.
 */
export class Killer {
  readonly #kills: Readonly<Record<Victim, Map<Work, number>>> = {
    processServer: new Map(),
    masterTarget: new Map(),
  };
  readonly #random: Random;
  readonly #pursuits: readonly Pursuit[];
  /** How long each work took when nobody was killed: the moments are chosen from it. */
  readonly #durationMs = new Map<Work, number>();

  constructor(random: Random, pursuits: readonly Pursuit[]) {
    this.#random = random;
    this.#pursuits = pursuits;
  }

  /** Whether another kill is wanted in one of these, or in anything. */
  isAfter(...works: readonly Work[]): boolean {
    return this.#pursuits.some(({ victim, wanted }) => {
      const all = Object.keys(wanted) as Work[];
      return all.some(
        (work) =>
          (works.length === 0 || works.includes(work)) && this.#isWanted(victim, wanted, work),
      );
    });
  }

  /** How many kills of a program there were, and in which work; printed, too. */
  tell(victim: Victim): { readonly kills: number; readonly inWork: Wanted } {
    const inWork = Object.fromEntries(this.#kills[victim]);
    process.stdout.write(`Kills of the ${victim}: ${JSON.stringify(inWork)}\n`);
    return {
      kills: [...this.#kills[victim].values()].reduce((sum, each) => sum + each, 0),
      inWork,
    };
  }

  /** Does it, again each time that it is cut short, until it is done. */
  async during<T>(machine: KilledMachine, doing: Doing<T>): Promise<T> {
    const { work, run } = doing;
    for (;;) {
      const over = new AbortController();
      const striking = this.#strike(machine, doing, over.signal);
      striking.catch(() => undefined);
      const startedAt = performance.now();
      try {
        const result = await run();
        const tookMs = performance.now() - startedAt;
        over.abort();
        if (!(await striking)) this.#durationMs.set(work, tookMs);
        return result;
      } catch (error) {
        over.abort();
        const wasKilled = await striking;
        if (!wasKilled || !/killed|channel closed/i.test(String(error))) throw error;
      }
    }
  }

  /** Returns whether there was a kill before `isOver`, and it has been recovered from. */
  async #strike(
    machine: KilledMachine,
    { work, allowed }: Doing<unknown>,
    isOver: AbortSignal,
  ): Promise<boolean> {
    const after = this.#pursuits.filter(({ victim, wanted }) =>
      this.#isWanted(victim, wanted, work),
    );
    const pursuit = after[this.#random.below(Math.max(1, after.length))];
    if (pursuit === undefined) return false;
    const { victim } = pursuit;
    const momentMs = this.#random.below(Math.ceil(this.#durationMs.get(work) ?? FIRST_GUESS_MS));
    await delay(momentMs, undefined, { signal: isOver }).catch(() => undefined);
    if (isOver.aborted) return false;
    this.#kills[victim].set(work, this.#killsIn(victim, work) + 1);
    await machine.kill(victim);
    const pointId = await machine.openTarget();
    const unequal = pointId === null ? [] : machine.unequalAt(pointId);
    if (!allowed.includes(pointId) || unequal.length > 0) {
      const may = allowed.join(' or ');
      const state = `${pointId}, which ${unequal.join(' and ') || 'no disk'} does not hold`;
      throw new Error(`After a kill of ${victim} in "${work}", not at ${may} but at ${state}`);
    }
    return true;
  }

  #isWanted(victim: Victim, wanted: Wanted, work: Work): boolean {
    return this.#killsIn(victim, work) < (wanted[work] ?? 0);
  }

  #killsIn(victim: Victim, work: Work): number {
    return this.#kills[victim].get(work) ?? 0;
  }
}
