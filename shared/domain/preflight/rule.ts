import type { ErrorCode } from '../../errors/catalogue.ts';
import { errorRecord, type ErrorRecord, type ErrorValues } from '../../errors/failback-error.ts';
import type { PreflightFacts } from './facts.ts';

export interface Finding {
  readonly ruleId: string;
  readonly severity: 'blocking' | 'warning';
  readonly error: ErrorRecord;
}

/** A pure check over facts gathered before. Returns one entry of values a violation; `unknown` never passes. */
export interface PreflightRule {
  readonly id: string;
  readonly severity: Finding['severity'];
  readonly errorCode: ErrorCode;
  check(facts: PreflightFacts): readonly ErrorValues[] | 'unknown';
}

export function runRule(rule: PreflightRule, facts: PreflightFacts): readonly Finding[] {
  const outcome = rule.check(facts);
  if (outcome === 'unknown') {
    const error = errorRecord('FB-PRE-001', { ruleId: rule.id });
    return [{ ruleId: rule.id, severity: rule.severity, error }];
  }
  return outcome.map((values) => ({
    ruleId: rule.id,
    severity: rule.severity,
    error: errorRecord(rule.errorCode, values),
  }));
}
