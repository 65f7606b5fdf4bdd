import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

export const azureVmNotMoved: PreflightRule = {
  id: 'azure.vm.not-moved',
  statement: 'The Azure VM was not moved to another resource group.',
  severity: 'blocking',
  errorCode: 'FB-PRE-013',
  check: (facts) =>
    withSection(facts, 'azureVm', ({ exists, whereabouts }) => {
      if (exists) return passed;
      return ifKnown(whereabouts, 'azureVm.whereabouts', (place) => {
        if (place.kind !== 'moved') return doesNotApply;
        const { resourceGroup } = place;
        return violated(
          { name: 'resource group', needed: 'the recorded one', actual: resourceGroup },
          { resourceGroup },
        );
      });
    }),
};
