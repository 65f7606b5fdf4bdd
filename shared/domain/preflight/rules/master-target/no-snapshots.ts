import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withMasterTargetVm } from '../support.ts';

/** Disks that are attached to a VM with snapshots become part of them and cannot be given back. */
export const masterTargetHasNoSnapshots: PreflightRule = {
  id: 'master-target.vm.no-snapshots',
  statement: 'The VM of the master target has no snapshots.',
  severity: 'blocking',
  errorCode: 'FB-PRE-044',
  check: (facts) =>
    withMasterTargetVm(facts, ({ snapshotCount }) =>
      ifKnown(snapshotCount, 'masterTarget.machine.snapshotCount', (actual) =>
        actual === 0
          ? passed
          : violated({
              name: 'snapshots of the master target',
              needed: 0,
              actual,
              unit: 'snapshots',
            }),
      ),
    ),
};
