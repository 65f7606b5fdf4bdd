import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withPhysicalOrigin } from '../support.ts';

/** With and without SP1: without it the failover was not possible either. */
const REFUSED_OS = /windows server 2008 r2/i;

export const physicalOsSupported: PreflightRule = {
  id: 'physical.os.supported',
  statement: 'The physical server did not run Windows Server 2008 R2.',
  severity: 'blocking',
  errorCode: 'FB-PRE-071',
  check: (facts) =>
    withPhysicalOrigin(facts, ({ osName }) =>
      ifKnown(osName, 'protection.origin.osName', (actual) =>
        REFUSED_OS.test(actual)
          ? violated({ name: 'operating system', needed: 'a newer one', actual })
          : passed,
      ),
    ),
};
