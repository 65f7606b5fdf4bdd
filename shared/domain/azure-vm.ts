import type { AzureNetworkFacts } from './preflight/facts/azure-network.ts';
import type { AzureDiskFacts, AzureVmSection } from './preflight/facts/azure-vm.ts';
import type { Known } from './preflight/facts/known.ts';

/** What the adapter of Azure reads for preflight. `exists: false` leaves the rest empty or unknown. */
export interface AzureVmFacts extends Omit<AzureVmSection, 'disks' | 'guest'> {
  readonly disks: readonly Omit<AzureDiskFacts, 'usedBytes'>[];
}

/** The network of the VM's first interface. */
export interface AzureNetworkReading extends Omit<AzureNetworkFacts, 'kind'> {
  /** Addresses that are left in the VM's own subnet. */
  readonly freeSubnetAddressCount: Known<number>;
}
