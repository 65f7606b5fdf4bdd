import type { PreflightFacts } from '../../facts.ts';
import type { OnPremisesDisk } from '../../facts/location.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { whetherAvs, withAzureVm, withOriginalOnVsphere } from '../support.ts';

/** They cannot be made anew: new disks are files on VMFS only, but for the vSAN of a private cloud. */
export const specialDisksAttached: PreflightRule = {
  id: 'original.disks.vsan-and-rdm',
  statement:
    'vSAN and RDM disks of the VM still exist and are attached, and none has to be made on vSAN.',
  severity: 'blocking',
  errorCode: 'FB-PRE-063',
  check: (facts) =>
    withOriginalOnVsphere(facts, ({ disks }, site) =>
      ifKnown(disks, 'location.storage.disks', (known) => {
        const each = together(known.map(judgeDisk));
        const isOnVsan = known.some(({ datastoreType }) => datastoreType === 'vSAN');
        if (!isOnVsan) return each;
        const whole = whetherAvs(site, (isAvs) =>
          isAvs ? passed : judgeCount(facts, known.length),
        );
        return together([each, whole]);
      }),
    ),
};

/** The inventory shows only what is attached: that a disk was detached shows in their number. */
function judgeCount(facts: PreflightFacts, attachedCount: number): Verdict {
  return withAzureVm(facts, ({ disks }) => {
    const needed = disks.length;
    if (attachedCount >= needed) return passed;
    const actual = `detached: ${attachedCount} of ${needed} are there`;
    return violated(
      { name: 'disks on vSAN', needed, actual },
      { diskName: `number ${attachedCount + 1}`, diskKind: 'vSAN' },
    );
  });
}

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
