import type { PreflightRule } from '../../rule.ts';
import { mustBe, together } from '../../verdict.ts';
import { withProcessServer } from '../support.ts';

export const processServerReachesSite: PreflightRule = {
  id: 'process-server.ports.reachable',
  statement:
    'The process server reaches the configuration server on 443 and the master target on 9443.',
  severity: 'blocking',
  errorCode: 'FB-PRE-082',
  check: (facts) =>
    withProcessServer(facts, (server) =>
      together([
        mustBe(true, server.isPort443Reachable, 'processServer.isPort443Reachable', {
          port: 443,
          peer: 'configuration server',
        }),
        mustBe(true, server.isPort9443Reachable, 'processServer.isPort9443Reachable', {
          port: 9443,
          peer: 'master target',
        }),
      ]),
    ),
};
