import type { PreflightRule } from '../../rule.ts';
import { passed, together, unknown, type Verdict, violated } from '../../verdict.ts';
import { withAzureVm } from '../support.ts';

/** A disk that nobody knows of would not be copied, and would go with the VM behind the commit. */
export const disksAsRecorded: PreflightRule = {
  id: 'azure.disk.as-recorded',
  statement: 'The VM has the disks that the protected item knows, in their sizes, and no others.',
  severity: 'blocking',
  errorCode: 'FB-PRE-027',
  check: (facts) =>
    withAzureVm(facts, ({ disks }) => {
      if (disks.length === 0) return unknown('azureVm.disks');
      const recorded = facts.protection.disks;
      return together([
        ...recorded.map(({ diskName, sizeBytes: needed }) => {
          const found = disks.find((disk) => disk.diskName === diskName);
          if (found === undefined) return differs(diskName, 'is missing', [needed, 0]);
          const { sizeBytes: actual } = found;
          return needed === actual ? passed : differs(diskName, 'was resized', [needed, actual]);
        }),
        ...disks.map(({ diskName, sizeBytes: actual }) =>
          recorded.some((disk) => disk.diskName === diskName)
            ? passed
            : differs(diskName, 'is not known', [0, actual]),
        ),
      ]);
    }),
};

function differs(
  diskName: string,
  difference: string,
  [needed, actual]: readonly [number, number],
): Verdict {
  const fact = { name: 'azureVm.disks.sizeBytes', needed, actual, unit: 'bytes' } as const;
  return violated(fact, { diskName, difference });
}
