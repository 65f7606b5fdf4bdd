import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

export const azureVmNotConfidential: PreflightRule = {
  id: 'azure.vm.not-confidential',
  statement: 'The Azure VM is not a confidential VM.',
  severity: 'blocking',
  errorCode: 'FB-PRE-011',
  check: (facts) =>
    withAzureVm(facts, ({ isConfidential }) =>
      mustBe(false, isConfidential, 'azureVm.isConfidential'),
    ),
};
