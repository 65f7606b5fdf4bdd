import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const processServerRegistered: PreflightRule = {
  id: 'process-server.registered',
  statement: 'A process server is registered, or one can be deployed.',
  severity: 'blocking',
  errorCode: 'FB-PRE-080',
  check: (facts) =>
    withSection(facts, 'processServer', ({ kind }) =>
      kind === 'missing'
        ? violated({ name: 'process server', needed: 'registered', actual: 'none' })
        : passed,
    ),
};
