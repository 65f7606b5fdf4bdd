import type { PreflightRule } from '../rule.ts';
import * as azureVm from './azure-vm.ts';
import * as masterTarget from './master-target.ts';
import * as site from './site.ts';

/** Every rule, in the order in which findings are shown. */
export const RULES: readonly PreflightRule[] = [
  ...Object.values(azureVm),
  ...Object.values(site),
  ...Object.values(masterTarget),
];
