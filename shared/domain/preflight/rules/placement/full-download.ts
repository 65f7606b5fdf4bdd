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

/** Disks that do not say how much of them is used count in full: an estimate should not promise too much. */
function announce(facts: PreflightFacts): Verdict {
  return withAzureVm(facts, ({ disks }) => {
    const bytes = disks.reduce((sum, disk) => sum + (disk.usedBytes ?? disk.sizeBytes), 0);
    const seconds = estimatedSeconds(facts, bytes);
    return violated(
      { name: 'download', needed: 'changes only', actual: bytes, unit: 'bytes' },
      { bytes, duration: seconds === null ? 'an unknown time' : `about ${seconds} seconds` },
    );
  });
}

function estimatedSeconds({ azureNetwork }: PreflightFacts, bytes: number): number | null {
  if (azureNetwork?.kind !== 'azure' || azureNetwork.linkBitsPerSecond === null) return null;
  const { linkBitsPerSecond } = azureNetwork;
  return linkBitsPerSecond > 0 ? Math.ceil((bytes * 8) / linkBitsPerSecond) : null;
}
