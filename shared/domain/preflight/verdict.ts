import type { ErrorValues } from '../../errors/failback-error.ts';
import type { FactName } from './facts.ts';
import type { Known } from './facts/known.ts';

type FactValue = string | number | boolean;

type FactUnit = 'bytes' | 'vCPUs' | 'bytes a day' | 'seconds' | 'disks' | 'snapshots' | 'addresses';

/** Two values that were compared, for people to read. */
export interface ComparedFact {
  readonly name: string;
  readonly needed: FactValue;
  readonly actual: FactValue;
  readonly unit?: FactUnit;
}

interface Violation {
  readonly values: ErrorValues;
  readonly facts: readonly ComparedFact[];
}

/**
 * What a rule says. It passes when it applies, found no violation and missed no fact. Violations and missing
 * facts may come together: one disk is known to be wrong, another could not be read.
 */
export type Verdict =
  | { readonly applies: false }
  | {
      readonly applies: true;
      readonly violations: readonly Violation[];
      readonly missing: readonly FactName[];
    };

export const doesNotApply: Verdict = { applies: false };
export const passed: Verdict = { applies: true, violations: [], missing: [] };

export function unknown(...missing: readonly FactName[]): Verdict {
  return { applies: true, violations: [], missing };
}

/** The first fact's `needed` and `actual` can be named in the catalogue's texts; `values` adds to them. */
export function violated(fact: ComparedFact, values: ErrorValues = {}): Verdict {
  const { needed, actual } = fact;
  const violation = { values: { needed, actual, ...values }, facts: [fact] };
  return { applies: true, violations: [violation], missing: [] };
}

/** One verdict over several things that are looked at one by one. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const applying = verdicts.filter((verdict) => verdict.applies);
  if (applying.length === 0) return doesNotApply;
  return {
    applies: true,
    violations: applying.flatMap(({ violations }) => violations),
    missing: [...new Set(applying.flatMap(({ missing }) => missing))],
  };
}

/** The verdict over a fact that may be unknown. */
export function ifKnown<T>(fact: Known<T>, name: FactName, judge: (known: T) => Verdict): Verdict {
  return fact === null ? unknown(name) : judge(fact);
}

/** Passes when a yes-or-no fact is as it is needed. */
export function mustBe(
  needed: boolean,
  actual: Known<boolean>,
  name: FactName,
  values: ErrorValues = {},
): Verdict {
  return ifKnown(actual, name, (is) =>
    is === needed ? passed : violated({ name, needed, actual: is }, values),
  );
}
