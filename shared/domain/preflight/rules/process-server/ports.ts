import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withProcessServer } from '../support.ts';

/** The Function App it reaches as long as its heartbeats come; to the configuration server it never speaks. */
export const processServerReachesSite: PreflightRule = {
  id: 'process-server.ports.reachable',
  statement: 'The process server reaches the master target on 9443.',
  severity: 'blocking',
  errorCode: 'FB-PRE-082',
  check: (facts) =>
    withProcessServer(facts, ({ isPort9443Reachable }) =>
      mustBe(true, isPort9443Reachable, 'processServer.isPort9443Reachable'),
    ),
};
