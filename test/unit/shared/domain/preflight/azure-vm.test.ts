import { AZURE_VM_CASES } from '../../../../support/preflight/cases/azure-vm.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(AZURE_VM_CASES);
