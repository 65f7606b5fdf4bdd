import type { Finding } from './rule.ts';

/** What did not stand in the way and must not be lost: one clause for a job's history, `''` for nothing. */
export function summaryOf(findings: readonly Finding[]): string {
  const unchecked = findings.filter(({ error }) => error.code === 'FB-PRE-003');
  const others = findings.filter((finding) => !unchecked.includes(finding));
  const counts = [
    [others.filter(({ severity }) => severity === 'warning').length, 'warning', 'warnings'],
    [others.filter(({ severity }) => severity === 'info').length, 'note', 'notes'],
    [unchecked.length, 'rule not checked', 'rules not checked'],
  ] as const;
  const said = counts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  return said.length === 0 ? '' : `preflight: ${said.join(', ')}`;
}
