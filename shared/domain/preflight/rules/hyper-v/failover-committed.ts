import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, mustBe } from '../../verdict.ts';

export const hyperVFailoverCommitted: PreflightRule = {
  id: 'hyperv.failover-committed',
  statement: 'The earlier failover of a Hyper-V VM was committed.',
  severity: 'blocking',
  errorCode: 'FB-PRE-101',
  check: ({ protection: { origin } }) =>
    origin.kind === 'HyperV'
      ? mustBe(true, origin.isFailoverCommitted, 'protection.origin.isFailoverCommitted')
      : doesNotApply,
};
