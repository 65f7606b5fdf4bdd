import type { PreflightFacts } from '../../facts.ts';
import type { OnPremisesDisk } from '../../facts/location.ts';
import type { VsphereSite } from '../../facts/site.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { whetherAvs, withOriginalOnVsphere } from '../support.ts';

/**
 * A disk that was detached would be made anew beside the old one, which stays as it was. RDM and vSAN disks cannot be:
 * new disks are files on VMFS only, but for the vSAN of a private cloud.
 */
export const disksAttached: PreflightRule = {
  id: 'original.disks.attached',
  statement:
    'Every disk of the machine is attached to the VM, but for those that were added in Azure; vSAN and RDM disks are accessible, and none has to be made on vSAN.',
  severity: 'blocking',
  errorCode: 'FB-PRE-063',
  check: (facts) =>
    withOriginalOnVsphere(facts, ({ disks, matches, isOnVsan }, site) => {
      const special = ifKnown(disks, 'location.storage.disks', (known) =>
        together([passed, ...known.map(judgeSpecial)]),
      );
      const whole = ifKnown(matches, 'location.storage.matches', (known) => {
        const missing = known.filter(({ match }) => match === 'missing');
        return together([
          passed,
          ...missing.map(({ diskId }) => judgeMissing(facts, { diskId, isOnVsan, site })),
        ]);
      });
      return together([special, whole]);
    }),
};

function judgeSpecial({ name, datastore, ...disk }: OnPremisesDisk): Verdict {
  return ifKnown(disk.isRdm, 'location.storage.disks.isRdm', (isLun) =>
    ifKnown(disk.datastoreType, 'location.storage.disks.datastoreType', (type) => {
      if (!isLun && type !== 'vSAN') return passed;
      const fact = 'location.storage.disks.isDatastoreAccessible';
      return ifKnown(disk.isDatastoreAccessible, fact, (isAccessible) => {
        if (isAccessible) return passed;
        const kind = isLun ? 'an RDM disk' : 'a vSAN disk';
        const actual = `${kind} on the datastore ${datastore}, which is not accessible`;
        return violated({ name, needed: 'accessible', actual }, { diskName: name });
      });
    }),
  );
}

/** What nobody said to be new was there when the machine left. */
function judgeMissing(
  { protection }: PreflightFacts,
  missing: {
    readonly diskId: string;
    readonly isOnVsan: boolean | null;
    readonly site: VsphereSite;
  },
): Verdict {
  const { diskId: name, isOnVsan, site } = missing;
  if (!protection.disksAddedInAzure.includes(name)) {
    const actual = 'detached: none of the disks that are there can be it';
    return violated({ name, needed: 'attached', actual }, { diskName: name });
  }
  return ifKnown(isOnVsan, 'location.storage.isOnVsan', (onVsan) =>
    onVsan
      ? whetherAvs(site, (isAvs) => {
          if (isAvs) return passed;
          const actual = 'yet to be made, which cannot be done on vSAN';
          return violated({ name, needed: 'attached', actual }, { diskName: name });
        })
      : passed,
  );
}
