import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const configurationServerKnowsItem: PreflightRule = {
  id: 'configuration-server.knows-item',
  statement: 'The protected item is in the database of the configuration server.',
  severity: 'blocking',
  errorCode: 'FB-PRE-090',
  check: (facts) =>
    withSection(facts, 'configurationServer', ({ knowsItem }) =>
      mustBe(true, knowsItem, 'configurationServer.knowsItem'),
    ),
};
