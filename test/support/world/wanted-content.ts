import type { Job } from '../../../shared/domain/job.ts';
import type { AzureSnapshots } from './azure-disks.ts';
import type { AzureVm } from './azure-vm.ts';

interface ContentParts {
  readonly jobs: readonly Job[];
  readonly vm: AzureVm;
  readonly snapshots: AzureSnapshots;
}

/** What the machine at home has to hold: everything, unless somebody chose an older point. */
export function wantedContent({ jobs, vm, snapshots }: ContentParts): number {
  const isDecided = ({ report, failoverTo }: Job): boolean =>
    report.recoveryPointId !== undefined && failoverTo !== undefined;
  const { failoverTo = 'latest' } = jobs.find(isDecided) ?? {};
  if (failoverTo === 'latest') return vm.writes.content;
  if (failoverTo === 'latestProcessed') return snapshots.points.at(-1)?.content ?? 0;
  const chosen = snapshots.points.findLast(({ pointId, got }) =>
    failoverTo === 'latestApplicationConsistent'
      ? got === 'applicationConsistent'
      : pointId === failoverTo,
  );
  return chosen?.content ?? vm.writes.content;
}
