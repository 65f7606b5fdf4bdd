import type { PreflightRule } from '../../rule.ts';
import type { Known } from '../../facts/known.ts';
import {
  doesNotApply,
  ifKnown,
  passed,
  together,
  unknown,
  type Verdict,
  violated,
} from '../../verdict.ts';
import { compareVersions } from '../../version.ts';
import { withSection } from '../support.ts';

const PROGRAM = {
  processServer: 'process server',
  configurationServer: 'configuration server',
} as const;

export const masterTargetNotNewer: PreflightRule = {
  id: 'master-target.version.not-newer',
  statement: 'The master target is not newer than the process server and the configuration server.',
  severity: 'blocking',
  errorCode: 'FB-PRE-047',
  check: (facts) =>
    withSection(facts, 'masterTarget', ({ version }) =>
      together([
        withSection(facts, 'processServer', (processServer) =>
          processServer.kind === 'registered'
            ? judge(version, processServer.version, 'processServer')
            : doesNotApply,
        ),
        withSection(facts, 'configurationServer', (server) =>
          judge(version, server.version, 'configurationServer'),
        ),
      ]),
    ),
};

function judge(
  actual: string,
  other: Known<string>,
  section: 'processServer' | 'configurationServer',
): Verdict {
  return ifKnown(other, `${section}.version`, (needed) => {
    const difference = compareVersions(actual, needed);
    if (difference === null) return unknown(`${section}.version`);
    return difference <= 0
      ? passed
      : violated({ name: 'version', needed, actual }, { program: PROGRAM[section] });
  });
}
