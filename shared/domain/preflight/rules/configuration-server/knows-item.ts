import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, mustBe } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const configurationServerKnowsItem: PreflightRule = {
  id: 'configuration-server.knows-item',
  statement:
    'The protected item is in the database of the configuration server, once a way home was prepared.',
  severity: 'blocking',
  errorCode: 'FB-PRE-090',
  check: (facts) =>
    // Before the first way home was prepared there is nothing of the machine that it could have lost.
    facts.protection.isPrepared
      ? withSection(facts, 'configurationServer', ({ knowsItem }) =>
          mustBe(true, knowsItem, 'configurationServer.knowsItem'),
        )
      : doesNotApply,
};
