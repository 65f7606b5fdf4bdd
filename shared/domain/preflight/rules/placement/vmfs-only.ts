import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, violated } from '../../verdict.ts';
import { withAlternateOnVsphere } from '../support.ts';

export const createdOnVmfs: PreflightRule = {
  id: 'alternate.datastore.vmfs-only',
  statement: 'The new VM is created on VMFS, never on vSAN and never with RDM disks.',
  severity: 'blocking',
  errorCode: 'FB-PRE-068',
  check: (facts) =>
    withAlternateOnVsphere(facts, ({ datastoreType, usesRdm }) =>
      together([
        ifKnown(datastoreType, 'location.storage.datastoreType', (actual) =>
          actual === 'VMFS' ? passed : violated({ name: 'datastore type', needed: 'VMFS', actual }),
        ),
        ifKnown(usesRdm, 'location.storage.usesRdm', (isRdm) =>
          isRdm ? violated({ name: 'disks', needed: 'VMFS', actual: 'RDM' }) : passed,
        ),
      ]),
    ),
};
