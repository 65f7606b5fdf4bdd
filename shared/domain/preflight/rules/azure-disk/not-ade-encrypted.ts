import type { PreflightRule } from '../../rule.ts';
import { mustBe } from '../../verdict.ts';
import { everyDisk } from '../support.ts';

export const disksNotEncryptedInGuest: PreflightRule = {
  id: 'azure.disk.not-ade-encrypted',
  statement: 'No disk is encrypted with Azure Disk Encryption.',
  severity: 'blocking',
  errorCode: 'FB-PRE-020',
  check: (facts) =>
    everyDisk(facts, ({ diskName, isAdeEncrypted }) =>
      mustBe(false, isAdeEncrypted, 'azureVm.disks.isAdeEncrypted', { diskName }),
    ),
};
