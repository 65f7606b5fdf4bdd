import type { PreflightFacts } from '../../facts.ts';
import type { VsphereManagement } from '../../facts/site.ts';
import { doesNotApply, ifKnown, passed, together, type Verdict, violated } from '../../verdict.ts';
import { withMasterTargetVm, withOriginalOnVsphere } from '../support.ts';

/** The master target opens the disks through its own host: that host has to see each datastore. */
export function judgeDatastores(facts: PreflightFacts, kind: VsphereManagement['kind']): Verdict {
  return withOriginalOnVsphere(facts, (storage, { management }) =>
    ifKnown(management, 'site.management', (manager) =>
      manager.kind === kind
        ? ifKnown(storage.disks, 'location.storage.disks', (disks) =>
            judgeSeen(facts, new Set(disks.map(({ datastore }) => datastore))),
          )
        : doesNotApply,
    ),
  );
}

function judgeSeen(facts: PreflightFacts, needed: ReadonlySet<string>): Verdict {
  return withMasterTargetVm(facts, ({ visibleDatastores }) =>
    ifKnown(visibleDatastores, 'masterTarget.machine.visibleDatastores', (seen) =>
      together(
        [...needed].map((datastore) =>
          seen.includes(datastore)
            ? passed
            : violated(
                { name: 'datastores of the host', needed: datastore, actual: seen.join(', ') },
                { datastore },
              ),
        ),
      ),
    ),
  );
}
