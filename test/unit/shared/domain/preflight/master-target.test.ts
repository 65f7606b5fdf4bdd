import { MASTER_TARGET_CASES } from '../../../../support/preflight/cases/master-target.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(MASTER_TARGET_CASES);
