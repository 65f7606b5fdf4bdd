import type { PreflightRule } from '../../rule.ts';
import { ifKnown, passed, violated } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

const SECTOR_BYTES = 512;

/** A partition table counts sectors: moved to other ones it points to the wrong places. */
export const diskSectorSize: PreflightRule = {
  id: 'azure.disk.sector-size',
  statement: 'Every disk has logical sectors of 512 bytes.',
  severity: 'blocking',
  errorCode: 'FB-PRE-025',
  check: (facts) =>
    everyDisk(facts, ({ diskName, logicalSectorBytes }) =>
      ifKnown(logicalSectorBytes, 'azureVm.disks.logicalSectorBytes', (actual) =>
        actual === SECTOR_BYTES
          ? passed
          : violated(
              { name: 'logical sector', needed: SECTOR_BYTES, actual, unit: 'bytes' },
              { diskName },
            ),
      ),
    ),
};
