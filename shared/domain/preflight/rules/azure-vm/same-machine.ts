import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

export const azureVmIsTheSame: PreflightRule = {
  id: 'azure.vm.same-machine',
  statement:
    'The Azure VM is the one that came under our care, not one that was made anew under its name.',
  severity: 'blocking',
  errorCode: 'FB-PRE-014',
  check: (facts) =>
    withAzureVm(facts, ({ vmId }) =>
      ifKnown(facts.protection.azureVmId, 'protection.azureVmId', (needed) =>
        ifKnown(vmId, 'azureVm.vmId', (actual) =>
          actual === needed ? passed : violated({ name: 'vmId', needed, actual }),
        ),
      ),
    ),
};
