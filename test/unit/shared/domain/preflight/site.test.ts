import { SITE_CASES } from '../../../../support/preflight/cases/site.ts';
import { describeRules } from '../../../../support/preflight/rule-cases.ts';

describeRules(SITE_CASES);
