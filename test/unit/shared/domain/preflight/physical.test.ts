import { PHYSICAL_CASES } from '../../../../support/preflight/cases/physical.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(PHYSICAL_CASES);
