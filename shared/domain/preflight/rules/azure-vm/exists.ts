import type { PreflightRule } from '../../rule.ts';
import { ifKnown, mustBe } from '../../verdict.ts';

export const azureVmExists: PreflightRule = {
  id: 'azure.vm.exists',
  statement: 'The Azure VM still exists.',
  severity: 'blocking',
  errorCode: 'FB-PRE-010',
  check: ({ azureVm }) =>
    ifKnown(azureVm, 'azureVm', ({ exists }) => mustBe(true, exists, 'azureVm.exists')),
};
