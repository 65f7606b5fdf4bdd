import type { AzureNetworkFacts } from './preflight/facts/azure-network.ts';
import type { AzureVmSection } from './preflight/facts/azure-vm.ts';
import type { Known } from './preflight/facts/known.ts';

/** What the adapter of Azure reads for preflight. `exists: false` leaves the rest empty or unknown. */
export type AzureVmFacts = Omit<AzureVmSection, 'guest'>;

/** The network of the VM's first interface. */
export interface AzureNetworkReading extends Omit<AzureNetworkFacts, 'kind'> {
  /** Addresses that are left in the VM's own subnet. */
  readonly freeSubnetAddressCount: Known<number>;
}
