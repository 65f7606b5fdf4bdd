import { NETWORK_CASES } from '../../../../support/preflight/cases/network.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(NETWORK_CASES);
