import type { PreflightRule } from '../../rule.ts';
import { judgeDatastores } from './datastores.ts';

export const datastoreSeenUnderVcenter: PreflightRule = {
  id: 'original.datastore.seen-under-vcenter',
  statement: "Under vCenter, the master target's host sees the datastores of the VM.",
  severity: 'blocking',
  errorCode: 'FB-PRE-060',
  check: (facts) => judgeDatastores(facts, 'vcenter'),
};
