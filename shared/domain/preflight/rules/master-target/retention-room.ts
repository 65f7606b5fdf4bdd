import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

const DAY_SECONDS = 86_400;

export const retentionHoldsChanges: PreflightRule = {
  id: 'master-target.retention.room-for-changes',
  statement: 'The retention volume has room for the changes of the time that is retained.',
  severity: 'warning',
  errorCode: 'FB-PRE-052',
  check: (facts) =>
    withSection(facts, 'masterTarget', ({ retentionFreeBytes: actual }) =>
      ifKnown(facts.protection.changeBytesPerDay, 'protection.changeBytesPerDay', (perDay) =>
        ifKnown(facts.protection.retentionSeconds, 'protection.retentionSeconds', (seconds) => {
          const needed = Math.ceil((perDay * seconds) / DAY_SECONDS);
          return actual >= needed
            ? passed
            : violated({ name: 'free space', needed, actual, unit: 'bytes' });
        }),
      ),
    ),
};
