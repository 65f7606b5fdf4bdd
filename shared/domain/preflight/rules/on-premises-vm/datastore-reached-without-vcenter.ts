import type { PreflightRule } from '../../rule.ts';
import { judgeDatastores } from './datastores.ts';

export const datastoreReachedWithoutVcenter: PreflightRule = {
  id: 'original.datastore.reached-without-vcenter',
  statement: 'On a host without vCenter, the disks of the VM are on datastores that host reaches.',
  severity: 'blocking',
  errorCode: 'FB-PRE-061',
  check: (facts) => judgeDatastores(facts, 'standaloneHost'),
};
