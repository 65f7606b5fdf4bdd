import type { FactSections, PreflightFacts } from '../facts.ts';
import type { AzureDiskFacts, AzureVmSection } from '../facts/azure-vm.ts';
import type { AlternateLocation, OriginalLocation } from '../facts/location.ts';
import { doesNotApply, together, unknown, type Verdict } from '../verdict.ts';

/** Hands out a section that may be unknown. */
export function withSection<K extends keyof FactSections>(
  facts: PreflightFacts,
  name: K,
  judge: (section: NonNullable<FactSections[K]>) => Verdict,
): Verdict {
  const section: FactSections[K] = facts[name];
  return section === null ? unknown(name) : judge(section);
}

/** Facts of a VM that is gone do not matter: that it is gone is a finding of its own. */
export function withAzureVm(
  facts: PreflightFacts,
  judge: (vm: AzureVmSection) => Verdict,
): Verdict {
  return withSection(facts, 'azureVm', (vm) => (vm.exists ? judge(vm) : doesNotApply));
}

/** Every disk of the Azure VM for itself. */
export function everyDisk(
  facts: PreflightFacts,
  judge: (disk: AzureDiskFacts) => Verdict,
): Verdict {
  return withAzureVm(facts, ({ disks }) => together(disks.map((disk) => judge(disk))));
}

export function withOriginal(
  facts: PreflightFacts,
  judge: (vm: OriginalLocation) => Verdict,
): Verdict {
  return withSection(facts, 'location', (location) =>
    location.kind === 'original' ? judge(location) : doesNotApply,
  );
}

export function withAlternate(
  facts: PreflightFacts,
  judge: (placement: AlternateLocation) => Verdict,
): Verdict {
  return withSection(facts, 'location', (location) =>
    location.kind === 'alternate' ? judge(location) : doesNotApply,
  );
}
