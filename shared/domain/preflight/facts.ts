import type { AzureNetworkSection } from './facts/azure-network.ts';
import type { AzureVmSection } from './facts/azure-vm.ts';
import type { ConfigurationServerSection } from './facts/configuration-server.ts';
import type { Known } from './facts/known.ts';
import type { LocationSection } from './facts/location.ts';
import type { MasterTargetSection } from './facts/master-target.ts';
import type { ProcessServerSection } from './facts/process-server.ts';
import type { ProtectionSection } from './facts/protection.ts';
import type { SiteSection } from './facts/site.ts';

/** Everything the rules look at. A section that could not be read at all is `null`. */
export interface FactSections {
  readonly protection: ProtectionSection;
  readonly azureVm: Known<AzureVmSection>;
  readonly azureNetwork: Known<AzureNetworkSection>;
  readonly processServer: Known<ProcessServerSection>;
  readonly configurationServer: Known<ConfigurationServerSection>;
  readonly site: Known<SiteSection>;
  readonly location: Known<LocationSection>;
  readonly masterTarget: Known<MasterTargetSection>;
}

/** A section, or one fact of it: `processServer`, `azureVm.generation`, `location.storage.disks`. */
export type FactName = keyof FactSections | `${keyof FactSections}.${string}`;

export interface PreflightFacts extends FactSections {
  /**
   * Facts that nobody tried to read, by name or by the name of what holds them. A rule that lacks one says
   * that it was not checked (FB-PRE-003) and does not stand in the way. What was asked for and not answered
   * does not belong here: it is `null`, and blocks.
   */
  readonly notGathered: readonly FactName[];
}
