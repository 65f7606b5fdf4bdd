import type { OnPremisesDisk } from '../../facts/location.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { withOriginalOnVsphere } from '../support.ts';

/** They cannot be made anew: an ALR creates files on VMFS only. */
export const specialDisksAttached: PreflightRule = {
  id: 'original.disks.vsan-and-rdm',
  statement: 'vSAN and RDM disks of the VM still exist and are attached.',
  severity: 'blocking',
  errorCode: 'FB-PRE-063',
  check: (facts) =>
    withOriginalOnVsphere(facts, ({ disks }) =>
      ifKnown(disks, 'location.storage.disks', (known) => together(known.map(judgeDisk))),
    ),
};

function judgeDisk({ name, datastoreType, isRdm, exists, isAttached }: OnPremisesDisk): Verdict {
  return ifKnown(isRdm, 'location.storage.disks.isRdm', (isLun) =>
    ifKnown(datastoreType, 'location.storage.disks.datastoreType', (type) => {
      if (!isLun && type !== 'vSAN') return doesNotApply;
      return ifKnown(exists, 'location.storage.disks.exists', (isThere) =>
        ifKnown(isAttached, 'location.storage.disks.isAttached', (isInUse) =>
          isThere && isInUse
            ? passed
            : violated(
                { name, needed: 'attached', actual: isThere ? 'detached' : 'gone' },
                { diskName: name, diskKind: isLun ? 'RDM' : 'vSAN' },
              ),
        ),
      );
    }),
  );
}
