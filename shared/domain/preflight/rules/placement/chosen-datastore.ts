import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withAlternateOnVsphere } from '../support.ts';

export const createdOnChosenDatastore: PreflightRule = {
  id: 'alternate.datastore.chosen',
  statement: 'The new VM is created on the datastore that was chosen at the reprotect.',
  severity: 'blocking',
  errorCode: 'FB-PRE-067',
  check: (facts) =>
    withAlternateOnVsphere(facts, ({ datastore }) =>
      ifKnown(facts.protection.chosenDatastore, 'protection.chosenDatastore', (needed) =>
        ifKnown(datastore, 'location.storage.datastore', (actual) =>
          needed !== 'none' && actual === needed
            ? passed
            : violated({ name: 'datastore', needed, actual }),
        ),
      ),
    ),
};
