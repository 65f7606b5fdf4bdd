import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const processServerGetsAddress: PreflightRule = {
  id: 'process-server.subnet.free-address',
  statement: 'The subnet has a free address for the process server that will be deployed.',
  severity: 'blocking',
  errorCode: 'FB-PRE-085',
  check: (facts) =>
    withSection(facts, 'processServer', (server) =>
      server.kind === 'toBeDeployed'
        ? ifKnown(
            server.freeSubnetAddressCount,
            'processServer.freeSubnetAddressCount',
            (actual) =>
              actual >= 1
                ? passed
                : violated({ name: 'free addresses', needed: 1, actual, unit: 'addresses' }),
          )
        : doesNotApply,
    ),
};
