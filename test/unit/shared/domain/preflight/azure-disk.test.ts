import { AZURE_DISK_CASES } from '../../../../support/preflight/cases/azure-disk.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(AZURE_DISK_CASES);
