import type { JobView } from '../../shared/contracts/http-api.ts';
import type { FailbackReport } from '../../shared/domain/job.ts';
import type { Comparison } from './compare.ts';
import { formatBytes } from '../../shared/domain/human-units.ts';
import { formatSeconds } from './format.ts';

/** The short report at the end of the demonstration. */
export function reportLines(job: JobView, comparisons: readonly Comparison[]): readonly string[] {
  const report = job.report as FailbackReport;
  const sum = (field: string): number =>
    job.cycles.reduce((total, cycle) => total + Number(cycle[field] ?? 0), 0);
  const deltas = job.cycles.length - 1;
  const lines = [
    ['Downtime', formatSeconds(report.downtimeSeconds ?? 0)],
    ['Data loss (RPO)', formatSeconds(report.dataLossSeconds ?? 0)],
    ['Recovery points', `1 full copy, ${deltas} deltas`],
    [
      'Bytes changed',
      `${formatBytes(sum('changedBytes'))} (${formatBytes(sum('zeroBytes'))} of it zeros)`,
    ],
    ['Bytes on the wire', formatBytes(sum('wireBytes'))],
    [
      'Proof before boot',
      `${report.proof?.blocksCompared ?? 0} blocks compared, ${report.proof?.mismatches ?? '?'} differ`,
    ],
    ...comparisons.map(({ diskId, bytes, differsAt }) => [
      `Disk ${diskId}`,
      differsAt === null
        ? `identical to the Azure disk at shutdown (${formatBytes(bytes)})`
        : `DIFFERS at byte ${differsAt}`,
    ]),
    [
      'Boot',
      `${report.isBootSimulated === true ? 'simulated' : 'QEMU'}: ${report.bootEvidence ?? '?'}`,
    ],
    [
      'Towards Azure',
      `${formatBytes(report.reverseChangedBytes ?? 0)} sent of ${formatBytes(report.reverseComparedBytes ?? 0)} compared`,
    ],
  ];
  return lines.map(([name = '', text = '']) => `  ${name.padEnd(18)} ${text}`);
}
