import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { withAzureVm, withOriginal } from '../support.ts';

export const originalFirmwareMatches: PreflightRule = {
  id: 'original.firmware.matches',
  statement:
    'The on-premises VM boots as the Azure VM does: generation 1 from BIOS, generation 2 from UEFI.',
  severity: 'blocking',
  errorCode: 'FB-PRE-064',
  check: (facts) =>
    withOriginal(facts, ({ firmware, storage }) => {
      // A folder with disks has none.
      if (storage.kind === 'local') return doesNotApply;
      return withAzureVm(facts, ({ generation }) =>
        ifKnown(generation, 'azureVm.generation', (known) =>
          ifKnown(firmware, 'location.firmware', (actual) => {
            const needed = known === 'V1' ? 'bios' : 'efi';
            return actual === needed
              ? passed
              : violated({ name: 'firmware', needed, actual }, { generation: known });
          }),
        ),
      );
    }),
};
