import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

/** ReadOnly forbids the shutdown and the export, CanNotDelete the clean-up after the commit. */
export const azureVmNotLocked: PreflightRule = {
  id: 'azure.vm.not-locked',
  statement: 'No ReadOnly or CanNotDelete lock is in the way.',
  severity: 'blocking',
  errorCode: 'FB-PRE-012',
  check: (facts) =>
    withAzureVm(facts, ({ locks: known }) =>
      ifKnown(known, 'azureVm.locks', (names) => {
        const locks = names.join(', ');
        return names.length === 0
          ? passed
          : violated({ name: 'locks', needed: 'none', actual: locks }, { locks });
      }),
    ),
};
