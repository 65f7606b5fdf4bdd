import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

/** Snapshots take the policy over from their disk. */
export const disksExportable: PreflightRule = {
  id: 'azure.disk.export-allowed',
  statement: 'The network policy of every disk allows that its snapshots are read.',
  severity: 'blocking',
  errorCode: 'FB-PRE-023',
  check: (facts) =>
    everyDisk(facts, ({ diskName, networkAccessPolicy }) =>
      ifKnown(networkAccessPolicy, 'azureVm.disks.networkAccessPolicy', (actual) =>
        actual === 'DenyAll'
          ? violated(
              { name: 'networkAccessPolicy', needed: 'AllowAll or AllowPrivate', actual },
              { diskName },
            )
          : passed,
      ),
    ),
};
