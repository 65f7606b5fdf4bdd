import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withNewVmOnVsphere, withOriginalOnVsphere } from '../support.ts';

export const newVmAnnounced: PreflightRule = {
  id: 'location.new-vm.announced',
  statement:
    'The machine goes to a VM that is there; host and datastore of a new one are announced.',
  severity: 'info',
  errorCode: 'FB-PRE-077',
  check: (facts) => {
    const toOriginal = withOriginalOnVsphere(facts, () => passed);
    if (toOriginal !== doesNotApply) return toOriginal;
    return withNewVmOnVsphere(facts, ({ hostName, datastore }) =>
      ifKnown(hostName, 'location.storage.hostName', (host) =>
        ifKnown(datastore, 'location.storage.datastore', (name) =>
          violated(
            { name: 'new VM', needed: 'an existing VM', actual: `on ${host}, ${name}` },
            { host, datastore: name },
          ),
        ),
      ),
    );
  },
};
