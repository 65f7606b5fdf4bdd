import type { FactSections, PreflightFacts } from '../facts.ts';
import type { AzureNetworkFacts } from '../facts/azure-network.ts';
import type { AzureDiskFacts, AzureVmSection } from '../facts/azure-vm.ts';
import type { Known } from '../facts/known.ts';
import type { AlternateLocation, OriginalLocation, RehearsalLocation } from '../facts/location.ts';
import type {
  LinuxPreparation,
  MasterTargetSection,
  VsphereMachine,
} from '../facts/master-target.ts';
import type { RegisteredProcessServer } from '../facts/process-server.ts';
import type { OriginFacts } from '../facts/protection.ts';
import type { HyperVSite, VsphereSite } from '../facts/site.ts';
import { doesNotApply, ifKnown, together, unknown, type Verdict } from '../verdict.ts';

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

/** Every disk of the Azure VM for itself. A VM has at least one: an empty list is one that was not read. */
export function everyDisk(
  facts: PreflightFacts,
  judge: (disk: AzureDiskFacts) => Verdict,
): Verdict {
  return withAzureVm(facts, ({ disks }) =>
    disks.length === 0 ? unknown('azureVm.disks') : together(disks.map((disk) => judge(disk))),
  );
}

export function withVsphere(facts: PreflightFacts, judge: (site: VsphereSite) => Verdict): Verdict {
  return withSection(facts, 'site', (site) =>
    site.kind === 'vsphere' ? judge(site) : doesNotApply,
  );
}

/** A private cloud of Azure VMware Solution is a vCenter with conditions of its own. */
export function whetherAvs(
  { management }: VsphereSite,
  judge: (isAvs: boolean) => Verdict,
): Verdict {
  return ifKnown(management, 'site.management', (manager) =>
    judge(manager.kind === 'vcenter' && manager.isAvs === true),
  );
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

/** A VM that will be created, to live in or for a rehearsal. */
export function withNewVm(
  facts: PreflightFacts,
  judge: (placement: AlternateLocation | RehearsalLocation) => Verdict,
): Verdict {
  return withSection(facts, 'location', (location) =>
    location.kind === 'alternate' || location.kind === 'rehearsal' ? judge(location) : doesNotApply,
  );
}

type OnVsphere<L extends { storage: { kind: string } }> = Extract<
  L['storage'],
  { kind: 'vsphere' }
>;

/** Storage of another kind than the site's is a fact that is not known, not one that does not apply. */
function ofKind<S extends { readonly kind: string }, K extends S['kind']>(
  storage: S,
  kind: K,
): Known<Extract<S, { kind: K }>> {
  return storage.kind === kind ? (storage as Extract<S, { kind: K }>) : null;
}

/** Where the disks of the original VM lie, for rules about vSphere. */
export function withOriginalOnVsphere(
  facts: PreflightFacts,
  judge: (storage: OnVsphere<OriginalLocation>, site: VsphereSite) => Verdict,
): Verdict {
  return withVsphere(facts, (site) =>
    withOriginal(facts, ({ storage }) =>
      ifKnown(ofKind(storage, 'vsphere'), 'location.storage', (known) => judge(known, site)),
    ),
  );
}

/** Where a VM that will be created lies, for rules about vSphere. */
export function withNewVmOnVsphere(
  facts: PreflightFacts,
  judge: (storage: OnVsphere<AlternateLocation>, site: VsphereSite) => Verdict,
): Verdict {
  return withVsphere(facts, (site) =>
    withNewVm(facts, ({ storage }) =>
      ifKnown(ofKind(storage, 'vsphere'), 'location.storage', (known) => judge(known, site)),
    ),
  );
}

/** The VM in which the master target of a vSphere site runs. */
export function withMasterTargetVm(
  facts: PreflightFacts,
  judge: (machine: VsphereMachine, masterTarget: MasterTargetSection) => Verdict,
): Verdict {
  return withVsphere(facts, () =>
    withSection(facts, 'masterTarget', (masterTarget) =>
      ifKnown(masterTarget.machine, 'masterTarget.machine', (machine) =>
        ifKnown(ofKind(machine, 'vsphere'), 'masterTarget.machine', (vm) =>
          judge(vm, masterTarget),
        ),
      ),
    ),
  );
}

export function withLinuxMasterTarget(
  facts: PreflightFacts,
  judge: (preparation: LinuxPreparation) => Verdict,
): Verdict {
  return withMasterTargetVm(facts, ({ preparation }) =>
    preparation.kind === 'linux' ? judge(preparation) : doesNotApply,
  );
}

export function withHyperV(facts: PreflightFacts, judge: (site: HyperVSite) => Verdict): Verdict {
  return withSection(facts, 'site', (site) =>
    site.kind === 'hyperv' ? judge(site) : doesNotApply,
  );
}

/** A new VM on a Hyper-V host that is not the one it had. */
export function withAlternateHyperVHost(facts: PreflightFacts, judge: () => Verdict): Verdict {
  return withAlternate(facts, ({ storage }) =>
    ifKnown(ofKind(storage, 'hyperv'), 'location.storage', ({ isAlternateHost }) =>
      ifKnown(isAlternateHost, 'location.storage.isAlternateHost', (isOther) =>
        isOther ? judge() : doesNotApply,
      ),
    ),
  );
}

/** In the lab there is no network between the VM and the site. */
export function withAzureNetwork(
  facts: PreflightFacts,
  judge: (network: AzureNetworkFacts) => Verdict,
): Verdict {
  return withSection(facts, 'azureNetwork', (network) =>
    network.kind === 'azure' ? judge(network) : doesNotApply,
  );
}

/** A process server that does not exist yet has nothing to be judged by. */
export function withProcessServer(
  facts: PreflightFacts,
  judge: (server: RegisteredProcessServer) => Verdict,
): Verdict {
  return withSection(facts, 'processServer', (server) =>
    server.kind === 'registered' ? judge(server) : doesNotApply,
  );
}

export function withPhysicalOrigin(
  { protection: { origin } }: PreflightFacts,
  judge: (origin: Extract<OriginFacts, { kind: 'Physical' }>) => Verdict,
): Verdict {
  return origin.kind === 'Physical' ? judge(origin) : doesNotApply;
}
