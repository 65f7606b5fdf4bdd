import type { FactName, PreflightFacts } from './facts.ts';
import type { Unanswered } from './gathered.ts';
import type { Finding } from './rule.ts';
import { RULES } from './rules/index.ts';
import { blockingFindings, runPreflight } from './run.ts';

/** What a run of all rules says, for people. */
export interface PreflightReport {
  readonly isBlocked: boolean;
  readonly findings: readonly Finding[];
  /** Facts that rules needed and that could not be found out. */
  readonly unknownFacts: readonly FactName[];
  /** Facts that rules needed and that nobody asked for. */
  readonly notGatheredFacts: readonly FactName[];
  /** Who did not tell what was asked, and why. */
  readonly unanswered: readonly Unanswered[];
}

export function preflightReport(
  facts: PreflightFacts,
  unanswered: readonly Unanswered[],
): PreflightReport {
  const findings = runPreflight(facts);
  const missing = [
    ...new Set(
      RULES.flatMap((rule) => {
        const verdict = rule.check(facts);
        return verdict.applies ? verdict.missing : [];
      }),
    ),
  ];
  const isNotGathered = (name: FactName): boolean =>
    facts.notGathered.some((left) => name === left || name.startsWith(`${left}.`));
  return {
    isBlocked: blockingFindings(findings).length > 0,
    findings,
    unknownFacts: missing.filter((name) => !isNotGathered(name)),
    notGatheredFacts: missing.filter(isNotGathered),
    unanswered,
  };
}
