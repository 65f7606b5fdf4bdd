import type { PreflightFacts } from './facts.ts';
import { type Finding, runRule } from './rule.ts';
import { RULES } from './rules/index.ts';

/** All findings of all rules; an empty list means that the failback may start. */
export function runPreflight(facts: PreflightFacts): readonly Finding[] {
  return RULES.flatMap((rule) => runRule(rule, facts));
}

export function blockingFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding) => finding.severity === 'blocking');
}
