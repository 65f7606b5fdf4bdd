import { ORIGINAL_CASES } from '../../../../support/preflight/cases/original.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(ORIGINAL_CASES);
