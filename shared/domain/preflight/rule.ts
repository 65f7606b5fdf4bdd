import type { ErrorCode } from '../../errors/catalogue.ts';
import type { ErrorRecord } from '../../errors/failback-error.ts';
import type { PreflightFacts } from './facts.ts';
import type { ComparedFact, Verdict } from './verdict.ts';

/** `blocking` stands in the way; `warning` is for people to weigh; `info` only says what will happen. */
export type FindingSeverity = 'blocking' | 'warning' | 'info';

export interface Finding {
  readonly ruleId: string;
  readonly severity: FindingSeverity;
  readonly error: ErrorRecord;
  /** Empty when the rule could not be checked. */
  readonly facts: readonly ComparedFact[];
}

/** A pure check over facts gathered before. */
export interface PreflightRule {
  readonly id: string;
  /** What holds when the rule passes, as a sentence for docs/preflight.md. */
  readonly statement: string;
  readonly severity: FindingSeverity;
  readonly errorCode: ErrorCode;
  check(facts: PreflightFacts): Verdict;
}
