import { AFTER_RETURN_CASES } from '../../../../support/preflight/cases/after-return.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(AFTER_RETURN_CASES);
