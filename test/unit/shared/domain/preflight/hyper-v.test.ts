import { HYPER_V_CASES } from '../../../../support/preflight/cases/hyper-v.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(HYPER_V_CASES);
