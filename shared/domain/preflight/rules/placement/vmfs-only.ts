import type { DatastoreType } from '../../facts/location.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { whetherAvs, withNewVmOnVsphere } from '../support.ts';

/** A private cloud has no VMFS: its own datastore is vSAN, and volumes that are added to it are NFS. */
const OF_AVS: readonly DatastoreType[] = ['VMFS', 'vSAN', 'NFS'];

export const createdOnVmfs: PreflightRule = {
  id: 'alternate.datastore.vmfs-only',
  statement:
    'The new VM is created on VMFS, never on vSAN; in Azure VMware Solution on vSAN and NFS too.',
  severity: 'blocking',
  errorCode: 'FB-PRE-068',
  check: (facts) =>
    withNewVmOnVsphere(facts, ({ datastoreType }, site) =>
      ifKnown(datastoreType, 'location.storage.datastoreType', (actual) =>
        actual === 'VMFS'
          ? passed
          : whetherAvs(site, (isAvs) => {
              if (isAvs && OF_AVS.includes(actual)) return passed;
              const needed = isAvs ? OF_AVS.join(', ') : 'VMFS';
              return violated({ name: 'datastore type', needed, actual });
            }),
      ),
    ),
};
