import type { ConfigurationServerSection } from '../../facts/configuration-server.ts';
import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, type Verdict, violated } from '../../verdict.ts';
import { withSection } from '../support.ts';

type Backup = NonNullable<ConfigurationServerSection['backup']>;

export const configurationServerBackedUp: PreflightRule = {
  id: 'configuration-server.backup.on-schedule',
  statement: 'The newest backup of the configuration server is not older than its schedule.',
  severity: 'warning',
  errorCode: 'FB-PRE-092',
  check: (facts) =>
    withSection(facts, 'configurationServer', ({ backup, backupSchedule }) =>
      ifKnown(backupSchedule, 'configurationServer.backupSchedule', (schedule) => {
        if (schedule.kind === 'none') {
          return violated({ name: 'schedule of backups', needed: 'a schedule', actual: 'none' });
        }
        return ifKnown(backup, 'configurationServer.backup', (newest) =>
          judge(schedule.seconds, newest),
        );
      }),
    ),
};

function judge(needed: number, newest: Backup): Verdict {
  const wanted = `one of the last ${needed} seconds`;
  if (newest.kind === 'none') {
    const fact = { name: 'age of the backup', needed, actual: 'none', unit: 'seconds' } as const;
    return violated(fact, { needed: wanted, actual: 'none' });
  }
  const actual = newest.ageSeconds;
  return actual <= needed
    ? passed
    : violated(
        { name: 'age of the backup', needed, actual, unit: 'seconds' },
        { needed: wanted, actual: `one that is ${actual} seconds old` },
      );
}
