import { MAX_CLOCK_SKEW_SECONDS } from '../../../../policy/preflight-limits.ts';
import type { Known } from '../../facts/known.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { withProcessServer, withSection } from '../support.ts';

export const clocksAgree: PreflightRule = {
  id: 'clocks.skew',
  statement: 'The clocks of the agents are right to a minute.',
  severity: 'warning',
  errorCode: 'FB-PRE-093',
  check: (facts) =>
    together([
      withSection(facts, 'configurationServer', ({ clockSkewSeconds }) =>
        judge('configurationServer', clockSkewSeconds),
      ),
      withSection(facts, 'masterTarget', ({ clockSkewSeconds }) =>
        judge('masterTarget', clockSkewSeconds),
      ),
      withProcessServer(facts, ({ clockSkewSeconds }) => judge('processServer', clockSkewSeconds)),
    ]),
};

type Agent = 'configurationServer' | 'masterTarget' | 'processServer';

const AGENTS: Readonly<Record<Agent, string>> = {
  configurationServer: 'configuration server',
  masterTarget: 'master target',
  processServer: 'process server',
};

function judge(section: Agent, skewSeconds: Known<number>): Verdict {
  return ifKnown(skewSeconds, `${section}.clockSkewSeconds`, (actual) => {
    const agent = AGENTS[section];
    const needed = MAX_CLOCK_SKEW_SECONDS;
    return Math.abs(actual) <= needed
      ? passed
      : violated({ name: `clock of the ${agent}`, needed, actual, unit: 'seconds' }, { agent });
  });
}
