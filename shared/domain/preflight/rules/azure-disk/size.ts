import { MAX_DISK_BYTES } from '../../../../policy/preflight-limits.ts';
import type { PreflightRule } from '../../rule.ts';
import { passed, violated } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

/** Without this the failure would show behind the point of no return, when the replica is made. */
export const diskWithinSize: PreflightRule = {
  id: 'azure.disk.size-within-limit',
  statement: 'No disk is larger than 8 TiB.',
  severity: 'blocking',
  errorCode: 'FB-PRE-024',
  check: (facts) =>
    everyDisk(facts, ({ diskName, sizeBytes: actual }) =>
      actual <= MAX_DISK_BYTES
        ? passed
        : violated({ name: 'size', needed: MAX_DISK_BYTES, actual, unit: 'bytes' }, { diskName }),
    ),
};
