import type { Known } from '../../facts/known.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, type Verdict, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

/**
 * A snapshot freezes the disk file: what is written below it changes what the snapshot stands on, and a copy of it, as
 * a rehearsal makes, lacks what came after the snapshot.
 */
export const targetHasNoSnapshots: PreflightRule = {
  id: 'site.target-vm.no-snapshots',
  statement: 'The on-premises VM has no snapshots, also where a rehearsal copies its disks.',
  severity: 'blocking',
  errorCode: 'FB-PRE-032',
  check: (facts) =>
    withSection(facts, 'location', (location) => {
      if (location.kind === 'original') {
        return judge(location.snapshotCount, 'location.snapshotCount');
      }
      return location.kind === 'rehearsal'
        ? judge(location.originalSnapshotCount, 'location.originalSnapshotCount')
        : doesNotApply;
    }),
};

function judge(count: Known<number>, name: `location.${string}`): Verdict {
  return ifKnown(count, name, (actual) =>
    actual === 0
      ? passed
      : violated({ name: 'snapshots of the on-premises VM', needed: 0, actual, unit: 'snapshots' }),
  );
}
