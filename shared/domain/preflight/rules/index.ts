import type { PreflightRule } from '../rule.ts';
import { disksExportable } from './azure-disk/export-allowed.ts';
import { disksNotEncryptedInGuest } from './azure-disk/not-ade-encrypted.ts';
import { disksNotEphemeral } from './azure-disk/not-ephemeral.ts';
import { disksNotShared } from './azure-disk/not-shared.ts';
import { azureVmExists } from './azure-vm/exists.ts';
import { azureVmNotConfidential } from './azure-vm/not-confidential.ts';
import { azureVmNotLocked } from './azure-vm/not-locked.ts';
import { masterTargetHasSlots } from './master-target/disk-slots.ts';
import { masterTargetRetentionUsable } from './master-target/retention-usable.ts';
import { masterTargetSameOsFamily } from './master-target/same-os-family.ts';
import { targetHasNoSnapshots } from './on-premises-vm/no-snapshots.ts';
import { siteHasFreeSpace } from './placement/free-space.ts';
import { siteConnected } from './site/connected.ts';
import { sameHypervisorFamily } from './site/same-family.ts';

/** Every rule, in the order in which findings are shown. */
export const RULES: readonly PreflightRule[] = [
  azureVmExists,
  azureVmNotConfidential,
  azureVmNotLocked,
  disksNotEncryptedInGuest,
  disksNotShared,
  disksNotEphemeral,
  disksExportable,
  siteConnected,
  sameHypervisorFamily,
  targetHasNoSnapshots,
  siteHasFreeSpace,
  masterTargetSameOsFamily,
  masterTargetHasSlots,
  masterTargetRetentionUsable,
];
