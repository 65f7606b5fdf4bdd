import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';

export const migrationNotCompleted: PreflightRule = {
  id: 'azure.vm.migration-not-completed',
  statement: 'The migration to Azure was not completed: the machine is still to come home.',
  severity: 'blocking',
  errorCode: 'FB-PRE-015',
  check: ({ protection }) =>
    mustBe(false, protection.isMigrationCompleted, 'protection.isMigrationCompleted'),
};
