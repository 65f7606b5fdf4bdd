import { formatBitRate, formatBytes, formatDuration } from '../../../human-units.ts';
import type { PreflightFacts } from '../../facts.ts';
import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, type Verdict, violated } from '../../verdict.ts';
import { withAzureVm, withSection } from '../support.ts';

export const fullDownload: PreflightRule = {
  id: 'location.full-download',
  statement:
    'Only what differs is downloaded; a full download is announced with its size and time.',
  severity: 'info',
  errorCode: 'FB-PRE-079',
  check: (facts) =>
    withSection(facts, 'location', (location) => {
      if (location.kind === 'physicalMachine') return doesNotApply;
      if (location.kind === 'alternate') return announce(facts);
      return ifKnown(location.hasSeed, 'location.hasSeed', (hasSeed) =>
        hasSeed ? passed : announce(facts),
      );
    }),
};

/** Azure does not say how much of a disk is used. Disks count in full: an estimate should not promise too much. */
function announce(facts: PreflightFacts): Verdict {
  return withAzureVm(facts, ({ disks }) => {
    const bytes = disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return violated(
      { name: 'download', needed: 'changes only', actual: bytes, unit: 'bytes' },
      { size: formatBytes(bytes), duration: estimate(facts, bytes) },
    );
  });
}

const MEASURED_IN = {
  machine: 'earlier cycles of this machine',
  processServer: 'earlier cycles of other machines behind its process server',
} as const;

/** By the best rate that is known, and which one that is. A rate of the line counts without compression. */
function estimate(facts: PreflightFacts, bytes: number): string {
  const { measuredRate } = facts.protection;
  if (measuredRate !== null) {
    const { of, bytesPerSecond } = measuredRate;
    const rate = `${formatBytes(bytesPerSecond)}/s`;
    return `about ${formatDuration(bytes / bytesPerSecond)} (${rate}, as measured in ${MEASURED_IN[of]})`;
  }
  const [line] = [limitOf(facts), circuitOf(facts)].filter((each) => each !== null);
  if (line !== undefined) {
    return `about ${durationAt(bytes, line.bitsPerSecond)} (${line.name})`;
  }
  const table = [100e6, 1e9].map((rate) => `${durationAt(bytes, rate)} at ${formatBitRate(rate)}`);
  return `about ${table.join(', ')} (the rate of the line is not known)`;
}

interface LineRate {
  readonly bitsPerSecond: number;
  readonly name: string;
}

function limitOf({ processServer }: PreflightFacts): LineRate | null {
  const mbps = processServer?.kind === 'registered' ? processServer.bandwidthLimitMbps : null;
  if (mbps === null || mbps <= 0) return null;
  const bitsPerSecond = mbps * 1e6;
  const name = `at the bandwidth limit of the process server, ${formatBitRate(bitsPerSecond)} on average`;
  return { bitsPerSecond, name };
}

function circuitOf({ azureNetwork }: PreflightFacts): LineRate | null {
  const bitsPerSecond = azureNetwork?.kind === 'azure' ? azureNetwork.linkBitsPerSecond : null;
  if (bitsPerSecond === null || bitsPerSecond <= 0) return null;
  const name = `at the bandwidth of the ExpressRoute circuit, ${formatBitRate(bitsPerSecond)}`;
  return { bitsPerSecond, name };
}

function durationAt(bytes: number, bitsPerSecond: number): string {
  return formatDuration((bytes * 8) / bitsPerSecond);
}
