import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withNewVm, withAzureVm } from '../support.ts';

/** Thin disks grow to their full size once the guest fills them; the datastore must hold that. */
export const siteHasFreeSpace: PreflightRule = {
  id: 'site.datastore.free-space',
  statement: 'The place of a new VM has room for its disks at their full size.',
  severity: 'blocking',
  errorCode: 'FB-PRE-033',
  check: (facts) =>
    withNewVm(facts, ({ freeBytes }) =>
      withAzureVm(facts, ({ disks }) =>
        ifKnown(freeBytes, 'location.freeBytes', (actual) => {
          const needed = disks.reduce((sum, disk) => sum + disk.sizeBytes, 0);
          return actual >= needed
            ? passed
            : violated(
                { name: 'free space', needed, actual, unit: 'bytes' },
                { neededBytes: needed, actualBytes: actual },
              );
        }),
      ),
    ),
};
