import type { AzureDiskFacts, AzureVmSection } from './preflight/facts/azure-vm.ts';

type DiskFactName =
  | 'id'
  | 'diskName'
  | 'sizeBytes'
  | 'isAdeEncrypted'
  | 'isShared'
  | 'isEphemeral'
  | 'networkAccessPolicy';

/** What the adapter of Azure reads for preflight. `exists: false` leaves the rest empty. */
export interface AzureVmFacts extends Pick<
  AzureVmSection,
  'exists' | 'powerState' | 'isConfidential' | 'locks'
> {
  readonly disks: readonly Pick<AzureDiskFacts, DiskFactName>[];
}
