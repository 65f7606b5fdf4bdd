import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withOriginal } from '../support.ts';

/** A snapshot freezes the disk file: what is written below it changes what the snapshot stands on. */
export const targetHasNoSnapshots: PreflightRule = {
  id: 'site.target-vm.no-snapshots',
  statement: 'The on-premises VM has no snapshots.',
  severity: 'blocking',
  errorCode: 'FB-PRE-032',
  check: (facts) =>
    withOriginal(facts, ({ snapshotCount }) =>
      ifKnown(snapshotCount, 'location.snapshotCount', (actual) =>
        actual === 0
          ? passed
          : violated({
              name: 'snapshots of the on-premises VM',
              needed: 0,
              actual,
              unit: 'snapshots',
            }),
      ),
    ),
};
