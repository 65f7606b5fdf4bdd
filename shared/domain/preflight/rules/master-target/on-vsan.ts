import type { PreflightFacts } from '../../facts.ts';
import type { Known } from '../../facts/known.ts';
import type { DatastoreType } from '../../facts/location.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, mustBe, together, type Verdict } from '../../verdict.ts';
import { withMasterTargetVm, withNewVmOnVsphere, withOriginalOnVsphere } from '../support.ts';

/** ESXi does not hot-add a disk on vSAN to a VM that lies elsewhere. */
export const masterTargetOnVsan: PreflightRule = {
  id: 'master-target.vm.on-vsan',
  statement: 'Where disks lie on vSAN, the master target does too.',
  severity: 'blocking',
  errorCode: 'FB-PRE-053',
  check: (facts) =>
    together([
      withOriginalOnVsphere(facts, ({ disks }) =>
        ifKnown(disks, 'location.storage.disks', (known) => {
          const [type] = known
            .map(({ datastoreType }) => datastoreType)
            .filter((each) => each === 'vSAN' || each === null);
          return type === undefined
            ? doesNotApply
            : judge(facts, type, 'location.storage.disks.datastoreType');
        }),
      ),
      withNewVmOnVsphere(facts, ({ datastoreType }) =>
        judge(facts, datastoreType, 'location.storage.datastoreType'),
      ),
    ]),
};

function judge(
  facts: PreflightFacts,
  datastoreType: Known<DatastoreType>,
  name: `location.${string}`,
): Verdict {
  return ifKnown(datastoreType, name, (type) =>
    type === 'vSAN'
      ? withMasterTargetVm(facts, ({ isOnVsan }) =>
          mustBe(true, isOnVsan, 'masterTarget.machine.isOnVsan'),
        )
      : doesNotApply,
  );
}
