import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withNewVmOnVsphere } from '../support.ts';

export const createdOnChosenDatastore: PreflightRule = {
  id: 'alternate.datastore.chosen',
  statement:
    'The new VM is created on the datastore that was chosen at the reprotect; that of a rehearsal on that of the configuration where none was chosen.',
  severity: 'blocking',
  errorCode: 'FB-PRE-067',
  check: (facts) =>
    withNewVmOnVsphere(facts, ({ datastore }) =>
      ifKnown(facts.protection.chosenDatastore, 'protection.chosenDatastore', (needed) => {
        if (needed === 'none' && facts.location?.kind === 'rehearsal') return doesNotApply;
        return ifKnown(datastore, 'location.storage.datastore', (actual) =>
          needed !== 'none' && actual === needed
            ? passed
            : violated({ name: 'datastore', needed, actual }),
        );
      }),
    ),
};
