import { errorRecord } from '../../errors/failback-error.ts';
import type { FactName, PreflightFacts } from './facts.ts';
import { remedyFor } from './remedies.ts';
import type { Finding, PreflightRule } from './rule.ts';
import { RULES } from './rules/index.ts';

/** All findings of all rules, in the order of the table. */
export function runPreflight(facts: PreflightFacts): readonly Finding[] {
  return RULES.flatMap((rule) => runRule(rule, facts));
}

/** What stands in the way; the failback may start when there is none. */
export function blockingFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.severity === 'blocking');
}

export function runRule(rule: PreflightRule, facts: PreflightFacts): readonly Finding[] {
  const verdict = rule.check(facts);
  if (!verdict.applies) return [];
  const found = verdict.violations.map(({ values, facts: compared }) => ({
    ruleId: rule.id,
    severity: rule.severity,
    error: errorRecord(rule.errorCode, values),
    facts: compared,
  }));
  return [...found, ...unchecked(rule, facts, verdict.missing)];
}

/** What could not be found out weighs as much as the rule; what nobody asked for is only said. */
function unchecked(
  { id: ruleId, severity }: PreflightRule,
  { notGathered }: PreflightFacts,
  missing: readonly FactName[],
): readonly Finding[] {
  const isNotGathered = (name: FactName): boolean =>
    notGathered.some((left) => name === left || name.startsWith(`${left}.`));
  const unread = missing.filter((name) => !isNotGathered(name));
  if (unread.length > 0) {
    const values = { ruleId, missing: unread.join(', '), remedy: remedyFor(unread) };
    const error = errorRecord('FB-PRE-001', values);
    return [{ ruleId, severity: severity === 'info' ? 'warning' : severity, error, facts: [] }];
  }
  if (missing.length === 0) return [];
  const error = errorRecord('FB-PRE-003', { ruleId, missing: missing.join(', ') });
  return [{ ruleId, severity: 'info', error, facts: [] }];
}
