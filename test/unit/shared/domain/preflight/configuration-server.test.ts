import { CONFIGURATION_SERVER_CASES } from '../../../../support/preflight/cases/configuration-server.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(CONFIGURATION_SERVER_CASES);
