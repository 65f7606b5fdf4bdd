import type { CommandName } from '../../../shared/contracts/commands.ts';
import type { FailbackError } from '../../../shared/errors/failback-error.ts';

/** How an agent deals with one command. */
export interface Behaviour {
  /** Virtual time from the start of the work to its result. */
  readonly afterMs: number;
  /** Reported in place of doing anything. */
  readonly error: FailbackError | null;
  /**
   * `withoutEvent`: the result is recorded but the event is lost. `neverButDone`: the agent does it and
   * then falls silent. `never`: it hangs, and whatever waits behind it in its line hangs too.
   */
  readonly answer: 'once' | 'twice' | 'withoutEvent' | 'never' | 'neverButDone';
}

const ORDINARY: Behaviour = { afterMs: 1_000, error: null, answer: 'once' };

interface Planned {
  readonly behaviour: Behaviour;
  times: number;
}

/** What the agents do, by command; anything that is not planned is done in a second. */
export class Behaviours {
  readonly #planned = new Map<CommandName, Planned>();
  #ordinary = ORDINARY;

  /** For the next `times` commands of that name. */
  plan(
    name: CommandName,
    behaviour: Partial<Behaviour>,
    times: number = Number.POSITIVE_INFINITY,
  ): void {
    this.#planned.set(name, { behaviour: { ...ORDINARY, ...behaviour }, times });
  }

  /** For every command that nothing else is planned for. */
  planAll(behaviour: Partial<Behaviour>): void {
    this.#ordinary = { ...ORDINARY, ...behaviour };
  }

  heal(name: CommandName): void {
    this.#planned.delete(name);
  }

  next(name: CommandName): Behaviour {
    const planned = this.#planned.get(name);
    if (planned === undefined || planned.times === 0) return this.#ordinary;
    planned.times -= 1;
    return planned.behaviour;
  }
}
