import { ALTERNATE_CASES } from '../../../../support/preflight/cases/alternate.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(ALTERNATE_CASES);
